"""What a verification ends with when something is wrong. The kinds are those of docs/auditors.md."""


class Finding(Exception):
    def __init__(self, kind, message, height=None, path=None, offset=None, index=None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.height = height
        self.path = path
        self.offset = offset
        self.index = index

    def __str__(self):
        places = [f"{name} {value}" for name, value in (
            ("height", self.height), ("index", self.index), ("file", self.path), ("byte", self.offset))
            if value is not None]
        return f"{self.kind}: {self.message}" + (f" ({', '.join(places)})" if places else "")
