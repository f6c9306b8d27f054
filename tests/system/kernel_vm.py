#!/usr/bin/env python3
"""A Linux kernel with WireGuard for machines whose own has none: Debian's, in an emulated machine whose file system is this
one's, read-only with a layer in memory above. Nothing is installed, and nothing that happens inside stays.

    tests/system/kernel_vm.py COMMAND...      as root; ends with the command's status

QEMU emulates the processor, and while it works, time inside goes by its instructions (-icount): nobody there notices how busy
this machine is. Needs Debian's `qemu-system-x86`, `busybox-static` and `kmod`; the kernel's package is fetched once into a
folder of the build tree.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from nodes import BIN

CACHE = BIN.parent / "kernel-vm"
MODULES = ("virtio_pci", "virtio_rng", "9pnet_virtio", "9p", "overlay", "wireguard", "veth", "tun")
MEGABYTES = 2048
STATUS = "kernel-vm: exit status "

INIT = """#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
bb=/bin/busybox
$bb mkdir -p /proc /sys /dev /below /layer /new
$bb mount -t devtmpfs dev /dev
for module in MODULES; do $bb insmod /modules/$module || echo "cannot load $module"; done
$bb mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 root /below
$bb mount -t tmpfs layer /layer
$bb mkdir /layer/upper /layer/work
$bb mount -t overlay -o lowerdir=/below,upperdir=/layer/upper,workdir=/layer/work over /new
$bb mount -t proc proc /new/proc
$bb mount -t sysfs sys /new/sys
$bb mount -t devtmpfs dev /new/dev
$bb ln -s /proc/self/fd /new/dev/fd
for number in 0:stdin 1:stdout 2:stderr; do $bb ln -s /proc/self/fd/${number%:*} /new/dev/${number#*:}; done
$bb mkdir -p /new/dev/pts /new/dev/shm
$bb mount -t devpts pts /new/dev/pts
$bb mount -t tmpfs shm /new/dev/shm
$bb mount -t tmpfs run /new/run
exec $bb switch_root /new /bin/sh -c COMMAND
"""


def output_of(*command: object, cwd: object = None) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, f"{command} exited {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def newest_package() -> str | None:
    told = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False)
    found = re.search(r"Depends: (linux-image-\S+)", told.stdout)
    return found.group(1) if found else None


def fetch_kernel(into: pathlib.Path) -> None:
    """Unpacks the current kernel image of this Debian: boot/vmlinuz-VERSION and its modules."""
    assert output_of("dpkg", "--print-architecture").strip() == "amd64", "the emulated machine is an amd64 one"

    def download() -> list[pathlib.Path]:
        if name := newest_package():
            command = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", name]
            subprocess.run(command, cwd=into, capture_output=True, check=False)
        return list(into.glob("*.deb"))

    archives = download()
    if not archives:  # the package lists may be old, or not there
        output_of("apt-get", "update", "-q")
        archives = download()
    assert archives, "apt-get does not find the kernel of linux-image-amd64"
    (archive,) = archives
    output_of("dpkg-deb", "-x", archive, into)
    archive.unlink()
    version = next((into / "lib" / "modules").iterdir()).name
    output_of("depmod", "-b", into, version)


def kernel(cache: pathlib.Path) -> tuple[pathlib.Path, list[pathlib.Path]]:
    """The image, and the modules in the order in which they are to be loaded."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tree = cache / "tree"
        if not tree.exists():
            fresh = cache / "new"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            fetch_kernel(fresh)
            fresh.rename(tree)
    version = next((tree / "lib" / "modules").iterdir()).name
    modules: dict[pathlib.Path, None] = {}
    for name in MODULES:
        for line in output_of("modprobe", "-d", tree, "-S", version, "--show-depends", name).splitlines():
            if line.startswith("insmod "):
                modules[pathlib.Path(line.split()[1])] = None
    return tree / "boot" / f"vmlinuz-{version}", list(modules)


def archive_of(files: dict[str, tuple[int, bytes]]) -> bytes:
    """In the "newc" form of cpio that kernels unpack (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def entries() -> Iterator[tuple[str, int, bytes]]:
        yield from ((name, mode, content) for name, (mode, content) in files.items())
        yield "TRAILER!!!", 0, b""

    out = bytearray()
    for number, (name, mode, content) in enumerate(entries(), start=1):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        out += b"\0" * (-len(out) % 4) + content
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def initial_files(modules: list[pathlib.Path], command: str) -> bytes:
    init = INIT.replace("MODULES", " ".join(module.name for module in modules)).replace("COMMAND", shlex.quote(command))
    directory, program, plain = 0o040755, 0o100755, 0o100644
    files = {name: (directory, b"") for name in ("bin", "dev", "modules")}
    files["init"] = (program, init.encode())
    files["bin/busybox"] = (program, pathlib.Path("/bin/busybox").read_bytes())
    files |= {f"modules/{module.name}": (plain, module.read_bytes()) for module in modules}
    return archive_of(files)


def run_in_vm(
    command: list[str], seconds: float, environment: dict[str, str] | None = None, show: bool = False
) -> tuple[int, str]:
    """The command's exit status and what it wrote, which with `show` is seen at once. It runs as root in this directory,
    alone with a kernel of its own."""
    image, modules = kernel(CACHE)
    settings = "".join(f"export {name}={shlex.quote(value)}; " for name, value in (environment or {}).items())
    inside = (
        f"ip link set lo up; cd {shlex.quote(os.getcwd())}; {settings}{shlex.join(command)} </dev/null 2>&1; "
        f'echo "{STATUS}$?"; /bin/busybox poweroff -f'
    )
    initrd = CACHE / f"initrd-{os.getpid()}"
    initrd.write_bytes(initial_files(modules, inside))
    lines: list[str] = []
    machine = subprocess.Popen(
        [
            "qemu-system-x86_64", "-accel", "tcg,tb-size=256", "-icount", "shift=0,sleep=on", "-cpu", "max", "-smp", "1", "-m", str(MEGABYTES),
            "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", image, "-initrd", initrd,
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on",
            "-serial", "stdio", "-device", "virtio-rng-pci",
            "-fsdev", "local,id=root,path=/,security_model=passthrough,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    alarm = threading.Timer(seconds, machine.kill)
    alarm.start()
    try:
        for line in machine.stdout:
            lines.append(line)
            if show:
                print(line, end="", flush=True)
        machine.wait()
    finally:
        alarm.cancel()
        machine.kill()
        initrd.unlink()
    output = "".join(lines)
    found = re.search(re.escape(STATUS) + r"(\d+)", output)
    assert found, f"the emulated machine did not come to its end within {seconds:.0f} s:\n{output}"
    return int(found.group(1)), output[: found.start()]


def main() -> None:
    began = time.monotonic()
    status, _ = run_in_vm(sys.argv[1:], 3600, show=True)
    print(f"{time.monotonic() - began:.0f} s, status {status}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
