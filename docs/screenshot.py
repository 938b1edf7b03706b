#!/usr/bin/env python3
"""Draws docs/screenshot.svg: a session on a terminal, typed to a real imgtool.

    pip install rich
    docs/screenshot.py path/to/imgtool

The commands run on a pseudo-terminal in a fresh folder with a copy of fixtures/, one after the other in one store.
"""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMANDS = [
    "imgtool load -i fixtures/docker-archive/docker20-save.tar",
    "imgtool images",
    "imgtool unpack -q fx/nogpl:1 tree && echo hello >tree/greeting",
    "imgtool diff tree",
    "imgtool commit -a Ada -m 'say hello' tree demo:1",
    "imgtool history --format 'table {{.ID}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}' demo:1",
    "imgtool save demo:1 | tar -t | head -n 4",
    "imgtool verify demo:1",
]
COLUMNS, ROWS = 110, 40


def run(command, folder, path):
    """What a command prints on a terminal of COLUMNS by ROWS."""
    main, side = pty.openpty()
    os.set_blocking(main, True)
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {
        "PATH": f"{path}:{os.environ['PATH']}",
        "HOME": str(folder),
        "IMGTOOL_ROOT": str(folder / "store"),
        "TERM": "xterm-256color",
        "TZ": "UTC",
    }
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=environment, stdin=side, stdout=side, stderr=subprocess.DEVNULL
    )
    os.close(side)
    output = b""
    while True:
        try:
            some = os.read(main, 65536)
        except OSError:
            break
        if not some:
            break
        output += some
    if process.wait() != 0:
        sys.exit(f"{command}: exit status {process.returncode}")
    return output.decode().replace("\r\n", "\n")


def main():
    imgtool = Path(sys.argv[1]).resolve()
    here = Path(__file__).resolve().parent
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"), force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shutil.copytree(here.parent / "fixtures", folder / "fixtures")
        for command in COMMANDS:
            console.print(Text("$ ", style="green") + Text(command, style="bold"))
            console.print(Text.from_ansi(run(command, folder, imgtool.parent)), end="\n", soft_wrap=True)
    svg = console.export_svg(title="imgtool", unique_id="imgtool")
    # The viewer's own monospace font: nothing is fetched from elsewhere.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->", "", svg).replace("Fira Code, monospace", "monospace")
    svg = "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"
    (here / "screenshot.svg").write_text(svg, encoding="utf-8")


main()
