/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons for a fallback to /bin/sh: FALLBACK_REASON(name, text). */
FALLBACK_REASON(NONE, "none")
/* a syntax error, or a form that dash handles specially */
FALLBACK_REASON(SYNTAX, "syntax")
FALLBACK_REASON(BACKGROUND, "background") /* & */
FALLBACK_REASON(FUNCTION, "function") /* name() ... */
FALLBACK_REASON(ARITHMETIC, "arithmetic") /* $((...)) */
FALLBACK_REASON(TILDE, "tilde") /* ~user */
FALLBACK_REASON(CHARACTER, "character") /* a byte that dash uses internally */
FALLBACK_REASON(DEPTH, "depth") /* nested too deeply */
FALLBACK_REASON(SIZE, "size") /* the script is too long */
/* an unsupported builtin of dash, or a command name that must be expanded */
FALLBACK_REASON(BUILTIN, "builtin")
/* an unsupported option or argument of a builtin */
FALLBACK_REASON(OPTION, "option")
/* sh FILE, a script from stdin, or an unsupported option of the shell */
FALLBACK_REASON(FILE, "file")
FALLBACK_REASON(PARENT, "parent") /* the script contains PPID */
FALLBACK_REASON(OTHER, "other")
