/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/log.h - what a program tells its user on stderr, a line each.
 *
 * Only main(), the subcommands and a daemon's session print.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG
};

/* `program` is kept, not copied.  Lines above `most` are dropped. */
void log_init(const char *program, enum log_level most);
/*
 * Lines go to `sink` from now on, without their newlines and one at a time,
 * from whichever thread; NULL: to stderr again.  It logs nothing itself.
 */
typedef void log_sink(void *ctx, const char *line);
void log_divert(log_sink *sink, void *ctx);
/* "program: warning: text", in one write, so that lines do not mix. */
void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

#endif
