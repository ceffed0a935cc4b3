# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# The picture in README matches the program; `scripts/screenshot` draws it.
KFARM_BUILD=$bin "$1/../../scripts/screenshot" --check && echo same
