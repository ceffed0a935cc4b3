/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/err.h - One-line error message, outermost context first.
 *
 * The message is always safe to show on a terminal (printable_replace()).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define ERR_TEXT_MAX 1024

/* A zeroed struct holds no error. */
struct err {
	char text[ERR_TEXT_MAX];
};

/* Set the message. Returns -code, so that a caller can return it. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Set the message and append the text of errno. Returns -errno. */
int err_errno(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Prefix the message with "TEXT: ". */
void err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
