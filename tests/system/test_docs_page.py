"""The page at /docs makes the calls that it describes: its script runs in a small DOM (docs_page.js), against KMEs."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

from nodes import PATIENCE, REPOSITORY

BROWSER = pathlib.Path(__file__).with_name("docs_page.js")


@pytest.fixture
def browse(town):
    def run(url: str, *steps: list, sae: str | None = None) -> dict:
        command = ["node", str(BROWSER), url]
        if sae:
            stem = town.run / "pki" / "sae" / sae
            command += ["--ca", str(town.run / "pki" / "ca.crt"), "--cert", f"{stem}.crt", "--key", f"{stem}.key"]
        done = subprocess.run(
            command, input=json.dumps(steps), capture_output=True, text=True, timeout=30 * PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def etsi_page(town, kme: str, operation: str = "") -> str:
    return f"https://127.0.0.1:{town.port(kme)}/docs#0/{operation}"


def management_page(town, kme: str, document: int) -> str:
    return f"http://127.0.0.1:{town.port(kme) + 1000}/docs#{document}"


def curl(town, tmp_path, sae: str, command: str) -> dict:
    """Runs the command as it stands, where the files are that it names."""
    shutil.copy(town.run / "pki" / "ca.crt", tmp_path / "ca.crt")
    for end in ("crt", "key"):
        shutil.copy(town.run / "pki" / "sae" / f"{sae}.{end}", tmp_path / f"sae.{end}")
    done = subprocess.run(["sh", "-c", command + " -sS"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return json.loads(done.stdout)


def test_a_key_can_be_fetched_at_both_ends(town, browse):
    sent = browse(
        etsi_page(town, "carol"),
        ["open", "getKey"],
        ["fill", "slave_SAE_ID", "serena"],
        ["example", "Three keys of 256 bits"],
        ["send"],
        sae="carol",
    )
    assert sent["status"] == "200 OK", sent
    assert "content-type: application/json" in sent["headers"]
    keys = json.loads(sent["answer"])["keys"]
    assert len(keys) == 3
    assert sent["answer"].startswith('{\n  "keys": [\n'), "not laid out for people"
    wanted = json.dumps({"key_IDs": [{"key_ID": key["key_ID"]} for key in keys]})
    fetched = browse(
        etsi_page(town, "celia"),
        ["open", "getKeyWithKeyIds"],
        ["fill", "master_SAE_ID", "carol"],
        ["body", wanted],
        ["press", "Enter"],
        sae="serena",
    )
    assert json.loads(fetched["answer"])["keys"] == keys


def test_errors_are_shown(town, browse):
    sent = browse(
        etsi_page(town, "carol"),
        ["open", "getKeySimple"],
        ["fill", "slave_SAE_ID", "serena"],
        ["fill", "number", "0"],
        ["send"],
        sae="carol",
    )
    assert sent["status"] == "400 Bad Request"
    assert "number" in json.loads(sent["answer"])["message"]


def test_a_required_field_must_be_filled(town, browse):
    page = browse(etsi_page(town, "carol"), ["open", "getStatus"], ["fill", "slave_SAE_ID", ""], ["send"], sae="carol")
    assert page["status"] == ""


def test_sae_ids_are_encoded(town, browse, tmp_path):
    page = browse(
        etsi_page(town, "carol"), ["open", "getStatus"], ["fill", "slave_SAE_ID", "a/b/c"], ["send"], sae="carol"
    )
    assert json.loads(page["answer"])["slave_SAE_ID"] == "a/b/c"
    stored = {"stored_key_count": 0}  # between the two calls, keys are made
    assert curl(town, tmp_path, "carol", page["curl"]) | stored == json.loads(page["answer"]) | stored


def test_the_address_opens_an_operation(town, browse):
    page = browse(etsi_page(town, "carol", "getKeySimple"), sae="carol")
    assert page["canSend"] and "/enc_keys" in page["curl"]
    assert page["focus"] == "SUMMARY"


def test_from_the_management_port_key_delivery_is_a_curl_command(town, browse, tmp_path):
    page = browse(
        management_page(town, "carol", 1),
        ["open", "getKey"],
        ["fill", "slave_SAE_ID", "serena"],
        ["body", '{"number": 2}'],
        ["send"],
    )
    origin = f"https://127.0.0.1:{town.port('carol')}"
    assert not page["canSend"] and page["status"] == "" and page["failure"] == ""
    assert origin in page["note"] and "certificate" in page["note"]
    assert re.match(r"curl --cacert ca\.crt --cert sae\.crt --key sae\.key ", page["curl"]), page["curl"]
    assert f"{origin}/api/v1/keys/serena/enc_keys" in page["curl"]
    assert len(curl(town, tmp_path, "carol", page["curl"])["keys"]) == 2


def test_management_calls_need_their_token(town, browse):
    token = town.management("carol").token
    without = browse(
        management_page(town, "carol", 0), ["open", "getStatus"], ["fill", "CLIENT_NAME", "carol"], ["send"]
    )
    assert without["status"] == "401 Unauthorized"
    page = browse(
        management_page(town, "carol", 0),
        ["open", "getStatus"],
        ["fill", "CLIENT_NAME", "carol"],
        ["fill", "token", token],
        ["send"],
    )
    assert page["status"] == "200 OK"
    assert json.loads(page["answer"])["name"] == "carol"
    assert token not in page["curl"] and "management.token" in page["curl"]


def test_the_page_needs_nothing_from_elsewhere():
    text = (REPOSITORY / "openapi" / "docs.html").read_text()
    for address in re.findall(r"""(?:src|href)=["']([^"']*)|url\(([^)]*)\)|@import\s+(\S+)""", text):
        assert any(part == "" or part.startswith(("data:", "#", "openapi")) for part in address if part), address
    assert "http://" not in text and "https://" not in text
    assert re.search(r"prefers-color-scheme: dark", text) and 'name="viewport"' in text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
