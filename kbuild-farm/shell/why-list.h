/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a script is handed on: WHY(name, words).
 */
WHY(NONE, "none")
WHY(SYNTAX, "syntax") /* an error that dash has its own words for */
WHY(BACKGROUND, "background") /* & */
WHY(FUNCTION, "function") /* name() ... */
WHY(ARITHMETIC, "arithmetic") /* $((...)) */
WHY(TILDE, "tilde") /* ~user */
WHY(CHARACTER, "character") /* a byte that dash uses for itself */
WHY(DEPTH, "depth") /* nested too deep */
WHY(SIZE, "size") /* too long a script */
WHY(BUILTIN, "builtin") /* a builtin of dash that we have not */
WHY(OPTION, "option") /* of the shell, or of a builtin */
WHY(FILE, "file") /* sh FILE, or a script from stdin */
WHY(PARENT, "parent") /* PPID, which of a subshell is another one here */
WHY(OTHER, "other")
