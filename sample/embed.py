"""Writes files as C arrays: embed.py OUT NAME=FILE..."""
import sys

with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write("#include <stddef.h>\n")
    for item in sys.argv[2:]:
        name, path = item.split("=", 1)
        data = open(path, "rb").read()
        out.write(f"extern const unsigned char {name}[];\nextern const size_t {name}_bytes;\n")
        out.write(f"const unsigned char {name}[] = {{\n")
        for at in range(0, len(data), 24):
            out.write("".join(f"{byte}," for byte in data[at : at + 24]) + "\n")
        out.write(f"0}};\nconst size_t {name}_bytes = {len(data)};\n")
