"""Certificates made with the openssl program: an authority, leaves for servers and clients (P-256)."""

from __future__ import annotations

import ipaddress
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

CA_DAYS = 3650
LEAF_DAYS = 365  # kubeadm's; `kk certs check-expiration` shows it


def _openssl(*args: str) -> None:
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {args[0]} failed: {done.stderr.strip()}")


def _new_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path))


def authority(certificate: Path, key: Path, name: str) -> None:
    """A self-signed authority, unless both files are there already."""
    if certificate.is_file() and key.is_file():
        return
    _new_key(key)
    subject = ["-subj", f"/CN={name}", "-days", str(CA_DAYS)]
    uses = [
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
    ]
    _openssl("req", "-x509", "-new", "-key", str(key), "-out", str(certificate), *subject, *uses)


def key_pair(key: Path, public: Path) -> None:
    """A key and its public part, unless both files are there already."""
    if key.is_file() and public.is_file():
        return
    _new_key(key)
    _openssl("ec", "-in", str(key), "-pubout", "-out", str(public))


def leaf(
    certificate: Path,
    key: Path,
    ca: tuple[Path, Path],
    name: str,
    *,
    organisation: str = "",
    hosts: Iterable[str] = (),
    days: int = LEAF_DAYS,
) -> None:
    """A certificate signed by `ca` (certificate, key), for client and server use; `hosts` are names and addresses."""
    _new_key(key)
    subject = f"/O={organisation}/CN={name}" if organisation else f"/CN={name}"
    extensions = ["basicConstraints=CA:FALSE", "keyUsage=digitalSignature,keyEncipherment"]
    extensions.append("extendedKeyUsage=serverAuth,clientAuth")
    names = [f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in hosts]
    if names:
        extensions.append(f"subjectAltName={','.join(names)}")
    with tempfile.TemporaryDirectory() as scratch:
        request, file = Path(scratch) / "request.pem", Path(scratch) / "extensions"
        file.write_text("\n".join(extensions) + "\n")
        _openssl("req", "-new", "-key", str(key), "-subj", subject, "-out", str(request))
        _openssl(
            *(
                "x509",
                "-req",
                "-in",
                str(request),
                "-CA",
                str(ca[0]),
                "-CAkey",
                str(ca[1]),
                "-days",
                str(days),
            ),
            *("-set_serial", f"0x{_serial()}", "-extfile", str(file), "-out", str(certificate)),
        )


def _serial() -> str:
    import secrets

    return "4" + secrets.token_hex(15)[1:]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def expires(pem: str) -> str:
    """When a certificate ends, as openssl prints it: ``Nov 23 20:17:00 2027 GMT``."""
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-enddate"], input=pem, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"not a certificate: {done.stderr.strip()}")
    return done.stdout.strip().removeprefix("notAfter=")
