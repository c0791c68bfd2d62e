"""Counts the words of a folder of texts: `list`, `count NAME`, `merge`, a process each.

Standard library only, and little of it, so that what starts the processes is what is measured.
"""

from __future__ import annotations

import json
import os
import sys


def list_texts() -> None:
    """The names of the texts, one a line."""
    with open("list.txt", "w") as listed:
        listed.writelines(f"{name}\n" for name in sorted(os.listdir("texts")))


def count(name: str) -> None:
    """How often each word is in one text."""
    counts: dict[str, int] = {}
    with open(f"texts/{name}") as text:
        for word in text.read().lower().split():
            counts[word] = counts.get(word, 0) + 1
    with open(f"counts/{name}", "w") as file:
        json.dump(counts, file)
    with open("ran", "a") as ran:
        ran.write(f"{name}\n")


def merge() -> None:
    """How often each word is in all, the most frequent first."""
    total: dict[str, int] = {}
    for name in os.listdir("counts"):
        with open(f"counts/{name}") as file:
            for word, times in json.load(file).items():
                total[word] = total.get(word, 0) + times
    with open("total.txt", "w") as file:
        for word, times in sorted(total.items(), key=lambda entry: (-entry[1], entry[0])):
            file.write(f"{word} {times}\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["list"]:
            list_texts()
        case ["count", name]:
            count(name)
        case ["merge"]:
            merge()
