"""`tally meter verify` as a program: what it answers, its exit codes, wrong input.

usage: test_meter.py FOLDER_OF_TALLY

The records were signed with the openssl program, apart from the code that is tested.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

TALLY = pathlib.Path(sys.argv[1]) / "tally"
VECTORS = pathlib.Path(__file__).resolve().parents[3] / "shared" / "vectors" / "ocmf"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="tally-meter-"))

WHOLE = (
    'OCMF|{"FV":"1.4","GS":"G1","MS":"M1","TT":"day|night","PG":"T7","IL":"TRUSTED","RD":[{"TM":"2026-03-'
    '01T08:00:00,000+0000 S","TX":"B","RV":"  1000.5","RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":"G"},{"TM"'
    ':"2026-03-01T09:00:00,000+0000 S","TX":"E","RV":1011.25,"RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":"G"'
    '}]}|{"SA":"ECDSA-brainpool384r1-SHA256","SD":"306502306dc070dc24d81ceac0f46eb755a93e6d19ac4836624994'
    '63b08024e716d92c207358fcd87348f6ba8a82095db96b5eb8023100811000e6624d206035a3c6d130529b50e464ce6eac8f'
    'cdea3d6c6ee7ad6eb8bef9955608afde9d4c2795195a84fcd8a4"}')
BEGIN = (
    'OCMF|{"FV":"1.4","GS":"G1","MS":"M1","TT":"day|night","PG":"T7","IL":"TRUSTED","RD":[{"TM":"2026-03-'
    '01T08:00:00,000+0000 S","TX":"B","RV":"  1000.5","RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":"G"}]}|{"S'
    'A":"ECDSA-brainpool384r1-SHA256","SD":"30640230375b98a2395417811c155712bc4f4c5a19b15aa0d363920b2e047'
    '3ee76a94b1ea498ba9fac11470c4916f1c8447ee9c40230630c7cc71c3c88763fbdebc1d137b16278c27764b6a1b7665f353'
    '983fbfdd09a9b16e61026139652784aeae20bb3117e"}')
END = (
    'OCMF|{"FV":"1.4","GS":"G1","MS":"M1","TT":"day|night","PG":"T8","IL":"TRUSTED","RD":[{"TM":"2026-03-'
    '01T09:00:00,000+0000 S","TX":"E","RV":1011.25,"RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":"G"}]}|{"SA":'
    '"ECDSA-brainpool384r1-SHA256","SD":"306402307efadbe993f18a657d1ec0b1e9d1a13df10f804d6be0a5b3cada3245'
    '80f7ebafc0d830fba10d95e7d4e1689992c69cc6023073c704bcb76ce433f9663ca3a7f9c97e65b4a01e408e53cf9b5fc9b0'
    '38b0da24bfaf3e44fdbfda287ed71bbc378e11e3"}')
KEY = (
    '307a301406072a8648ce3d020106092b240303020801010b03620004581272bb92cdec075fa0e5226bad7b89c62f83365f92'
    '2a8beb38afaee8682ec217816c192a1faae76eecc24069ca098c26ccfc913689c7acfd2cff2192186b54ad349fd3581ba31a'
    '418ac63b1e60f80732db3604fdedfbe73b386f595f15f694')


def write(name, content):
    path = FOLDER / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run(*arguments):
    return subprocess.run([TALLY, "meter", "verify", *arguments], capture_output=True, text=True, timeout=60)


def verify(record, *options, end=None, key=KEY):
    files = [write("record.ocmf", record)] + ([write("end.ocmf", end)] if end else [])
    return run(*files, "--key", write("meter.key", key), *options)


def answer(*arguments, **named):
    done = verify(*arguments, "--json", **named)
    assert done.stderr == "", done.stderr
    found = json.loads(done.stdout)
    assert list(found) == ["signature", "billable", "reasons"], found
    assert found["billable"] == (found["reasons"] == []), found
    assert done.returncode == (0 if found["billable"] else 1), done.returncode
    return found["signature"], found["billable"], found["reasons"]


def valid_and_billable():
    assert answer(WHOLE) == ("valid", True, [])
    assert answer(BEGIN, end=END) == ("valid", True, [])
    assert answer("\n " + WHOLE + "\n") == ("valid", True, [])
    assert answer(WHOLE, key=bytes.fromhex(KEY)) == ("valid", True, [])
    text = verify(WHOLE)
    assert text.returncode == 0 and "energy     10750.000 Wh" in text.stdout, text.stdout


def valid_but_not_billable():
    assert answer(BEGIN) == ("valid", False, ["no_end"])
    assert answer(END) == ("valid", False, ["no_begin"])
    assert answer(END, end=BEGIN) == ("valid", False, ["page_does_not_follow"])
    assert answer(WHOLE, end=END) == ("valid", False, ["several_ends"])
    text = verify(BEGIN)
    assert text.returncode == 1 and "no_end: there is no reading at the end" in text.stdout, text.stdout


def invalid():
    assert answer(WHOLE.replace("1011.25", "1012.25")) == ("invalid", False, ["signature_wrong"])
    assert answer(WHOLE.replace("|{\"SA", " |{\"SA")) == ("invalid", False, ["signature_wrong"])
    assert answer(WHOLE.replace("384r1", "256r1")) == ("invalid", False, ["key_curve"])
    assert answer(WHOLE.replace("SHA256", "SHA1")) == ("invalid", False, ["unknown_algorithm"])
    assert answer(BEGIN, end=END.replace("T8", "T9")) == ("invalid", False, ["signature_wrong"])
    text = verify(WHOLE.replace("1011.25", "1012.25"))
    assert text.returncode == 1 and "INVALID" in text.stdout, text.stdout


def only_lenient():
    start = WHOLE.index('"SD":"') + 6
    signature = bytes.fromhex(WHOLE[start:-2])
    r = signature[4:4 + signature[3]]
    s = signature[6 + len(r):]
    raw = r.lstrip(b"\0").rjust(48, b"\0") + s.lstrip(b"\0").rjust(48, b"\0")
    record = WHOLE[:start] + raw.hex() + '"}'
    assert answer(record) == ("invalid", False, ["signature_form"])
    assert answer(record, "--lenient") == ("valid", True, [])


def unreadable():
    for record, key, said in ((WHOLE[:-1], KEY, "record.ocmf"), ("", KEY, "does not begin with OCMF|"),
                              (b"OCMF|\xff\xfe", KEY, "the payload"), ("x" * 65537, KEY, "longer than 65536"),
                              (WHOLE, "", "is no public key"), (WHOLE, KEY[:-2], "is no public key"),
                              (WHOLE, "A" * 5000, "longer than a public key"),
                              (WHOLE, KEY[:-2] + "95", "not a point of its curve")):
        for options in ((), ("--json",), ("--lenient",)):
            done = verify(record, *options, key=key)
            assert done.returncode == 2 and done.stdout == "" and said in done.stderr, (said, done)
    missing = run(FOLDER / "not-there", "--key", FOLDER / "meter.key")
    assert missing.returncode == 2 and "not-there" in missing.stderr, missing
    assert verify(WHOLE, end="OCMF").returncode == 2


def command_line():
    assert run("record.ocmf").returncode == 64
    assert run().returncode == 64
    help_text = run("--help")
    assert help_text.returncode == 0 and "Exit codes: 0 billable, 1 not, 2" in help_text.stdout, help_text.stdout


def real_records():
    if not (VECTORS / "index.json").exists():
        print(f"no records in {VECTORS}: passed over")
        return
    for entry in json.loads((VECTORS / "index.json").read_text()):
        name = entry["name"]
        done = run(VECTORS / f"{name}.ocmf", "--key", VECTORS / f"{name}.pubkey", "--json")
        found = json.loads(done.stdout)
        assert found["signature"] == entry["expect"], (name, found)
        assert done.returncode == (0 if found["billable"] else 1), name


for test in (valid_and_billable, valid_but_not_billable, invalid, only_lenient, unreadable, command_line, real_records):
    test()
    print("ok", test.__name__)
