"""Keys and certificates for tests, made with the openssl program."""

import pathlib
import subprocess

from harness import check_equal


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    check_equal(done.returncode, 0, f"openssl {arguments[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def certificate(folder, name, issuer=None, organization="Test"):
    """An EC key and a certificate for 127.0.0.1, its own authority or signed by one; the paths of both."""
    key, path, extensions = (str(folder / f"{name}.{end}") for end in ("key", "pem", "ext"))
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    subject = ["-subj", f"/O={organization}/CN={name}"]
    if issuer is None:
        openssl("req", "-x509", "-new", "-key", key, "-out", path, "-days", "2", *subject)
        return path, key
    request = str(folder / f"{name}.csr")
    openssl("req", "-new", "-key", key, "-out", request, *subject)
    pathlib.Path(extensions).write_text("subjectAltName=IP:127.0.0.1\n", encoding="ascii")
    openssl("x509", "-req", "-in", request, "-CA", issuer[0], "-CAkey", issuer[1], "-CAcreateserial", "-out", path, "-days", "2",
            "-extfile", extensions)
    return path, key
