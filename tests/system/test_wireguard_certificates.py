"""The adapters' certificates, renewed and revoked while they run."""

import time

from nodes import eventually
from privileges import needs_root

pytestmark = needs_root


def test_certificates_renewed_and_revoked(make_tunnels, pki):
    """An end's certificate is renewed; the old one is revoked, which disturbs nothing; the new one is revoked, which parts
    the adapters while the tunnel keeps its key; and with another they find together again."""
    tunnels = make_tunnels(intervals={"rotate_seconds": 20})
    old = pki.directory / "alice-old.crt"
    old.write_bytes(pki.issue("alice")[0].read_bytes())
    for adapter in tunnels.adapters:
        adapter.config["tls"]["crl"] = adapter.put("crl", pki.write_crl())
    tunnels.make()
    tunnels.start()
    tunnels.up_within(30)

    def renew() -> None:
        certificate, key = pki.renew("alice")
        tunnels.a.put("certificate", certificate)
        tunnels.a.put("key", key)

    def revoke(*certificates) -> None:
        for adapter in tunnels.adapters:
            adapter.put("crl", pki.write_crl(*certificates))

    def reachable(wanted: bool):
        def holds() -> bool:
            return all(a.status()["peers"][0]["adapter_reachable"] == wanted for a in tunnels.adapters)

        return holds

    renew()
    tunnels.another_key(tunnels.keys(), 60)
    revoke(old)
    time.sleep(8)
    tunnels.another_key(tunnels.keys(), 60)
    assert reachable(True)()
    revoke(old, pki.issue("alice")[0])
    eventually(reachable(False), "the adapters part", 60)
    assert "revoked" in tunnels.a.log_text() + tunnels.b.log_text()
    assert tunnels.one.same_key
    tunnels.all_carry()
    renew()
    eventually(reachable(True), "the adapters find together", 60)
    tunnels.another_key(tunnels.keys(), 60)
