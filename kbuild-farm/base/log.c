/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include "base/printable.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_program = "kfarm";
static enum log_level log_max_level = LOG_INFO;
static bool log_single_line;

static pthread_mutex_t divert_lock = PTHREAD_MUTEX_INITIALIZER;
static log_sink *divert_sink; /* NULL for stderr */
static void *divert_ctx;

void log_init(const char *program, enum log_level max_level)
{
	log_program = program;
	log_max_level = max_level;
}

void log_set_single_line(void)
{
	log_single_line = true;
}

void log_set_sink(log_sink *sink, void *ctx)
{
	pthread_mutex_lock(&divert_lock);
	divert_sink = sink;
	divert_ctx = ctx;
	pthread_mutex_unlock(&divert_lock);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const word[] = { "", "warning: ", "", "debug: " };
	char line[2048];
	int saved = errno;
	bool diverted;
	size_t used;
	va_list ap;

	if (level > log_max_level)
		return;
	snprintf(line, sizeof(line), "%s: %s", log_program, word[level]);
	used = strlen(line);
	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);
	va_end(ap);
	used = strlen(line);
	printable_replace(line, used, PRINTABLE_WHITESPACE, '?');
	for (char *p = line; log_single_line && (p = strchr(p, '\n')); p++)
		*p = ' ';
	pthread_mutex_lock(&divert_lock);
	diverted = divert_sink;
	if (diverted)
		divert_sink(divert_ctx, line);
	pthread_mutex_unlock(&divert_lock);
	if (!diverted) {
		line[used++] = '\n';
		/*
		 * Ignore a failure, because it cannot be reported.  The value
		 * of errno does not matter, because it is restored below.
		 */
		if (write(STDERR_FILENO, line, used) < 0)
			errno = 0;
	}
	errno = saved;
}
