"""How a rule refuses a transaction."""


class Refused(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


def refuse_if(condition, code):
    if condition:
        raise Refused(code)
