/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/err.h - one line for the person who must act, outermost words first.
 *
 * It may be shown on a terminal whatever is put into it (base/printable).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define ERR_TEXT_MAX 1024

/* A zeroed one holds no error. */
struct err {
	char text[ERR_TEXT_MAX];
};

/* Set the line.  Returns -code, so that it can be returned at once. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Set the line and add what errno means.  Returns -errno. */
int err_errno(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Put "words: " in front of the line. */
void err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
