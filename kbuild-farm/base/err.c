/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include "base/printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Format the message, and append ": TAIL" unless `tail` is NULL. */
static void format_text(struct err *err, const char *tail, const char *fmt,
			va_list ap)
{
	size_t used;

	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	used = strlen(err->text);
	if (tail)
		snprintf(err->text + used, sizeof(err->text) - used, ": %s",
			 tail);
	/* The message may contain file names and text from a peer. */
	printable_replace(err->text, strlen(err->text), PRINTABLE_WHITESPACE,
			  '?');
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_text(err, NULL, fmt, ap);
	va_end(ap);
	return -code;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int code = errno ? errno : EIO;
	va_list ap;

	va_start(ap, fmt);
	format_text(err, strerror(code), fmt, ap);
	va_end(ap);
	return -code;
}

void err_wrap(struct err *err, const char *fmt, ...)
{
	struct err inner = *err;
	va_list ap;

	va_start(ap, fmt);
	format_text(err, inner.text, fmt, ap);
	va_end(ap);
}
