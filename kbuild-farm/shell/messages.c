/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/shell.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Error texts that differ between musl and glibc in the locale C. */
static const struct {
	int code;
	const char *words;
} glibc_errno_texts[] = {
	{ EIO, "Input/output error" },
	{ ECHILD, "No child processes" },
	{ ENOMEM, "Cannot allocate memory" },
	{ EBUSY, "Device or resource busy" },
	{ EXDEV, "Invalid cross-device link" },
	{ EMFILE, "Too many open files" },
	{ ENOTTY, "Inappropriate ioctl for device" },
	{ ESPIPE, "Illegal seek" },
	{ ERANGE, "Numerical result out of range" },
	{ ENAMETOOLONG, "File name too long" },
	{ ELOOP, "Too many levels of symbolic links" },
	{ EOVERFLOW, "Value too large for defined data type" },
	{ ELIBBAD, "Accessing a corrupted shared library" },
	{ EILSEQ, "Invalid or incomplete multibyte or wide character" },
	{ EUCLEAN, "Structure needs cleaning" },
	{ EDQUOT, "Disk quota exceeded" },
	{ EOPNOTSUPP, "Operation not supported" },
};

const char *shell_errno_text(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(glibc_errno_texts); i++) {
		if (glibc_errno_texts[i].code == code)
			return glibc_errno_texts[i].words;
	}
	return strerror(code);
}

const char *shell_open_error_text(int code, const char *missing)
{
	return code == ENOENT || code == ENOTDIR ? missing :
						   shell_errno_text(code);
}

static void print_message_line(struct shell *sh, const char *fmt, va_list ap)
{
	char *words = xvasprintf(fmt, ap);
	char *line = sh->builtin ? xasprintf("%s: %u: %s: %s\n", sh->name,
					     sh->line, sh->builtin, words) :
				   xasprintf("%s: %u: %s\n", sh->name, sh->line,
					     words);

	/* If stderr cannot be written, the error cannot be reported. */
	bytes_write(STDERR_FILENO, bytes_str(line));
	free(line);
	free(words);
}

void shell_print_message(struct shell *sh, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_message_line(sh, fmt, ap);
	va_end(ap);
}

int shell_fail(struct shell *sh, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_message_line(sh, fmt, ap);
	va_end(ap);
	sh->skip = SHELL_SKIP_EXIT;
	sh->status = 2;
	return 2;
}
