#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
case $1 in
gcc) echo 5.1.0 ;;
llvm) echo 11.0.0 ;;
binutils) echo 2.23.0 ;;
*) echo "$1: unknown tool" >&2; exit 1 ;;
esac
