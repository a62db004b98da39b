#!/bin/sh
# The clang of the wheel `ziglang`, for tinygrad, which calls clang with its source on standard input
# and wants the object file on standard output. Both go through files, and options that name the
# target are zig's own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/kernel.c"
"$ZIG" cc -c -O2 -fPIC -ffreestanding -fno-math-errno -nostdlib -fno-ident -fno-sanitize=undefined -g0 \
    -target x86_64-linux-none -march=native "$folder/kernel.c" -o "$folder/kernel.o" >&2 &&
    cat "$folder/kernel.o"
