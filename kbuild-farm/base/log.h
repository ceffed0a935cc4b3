/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/log.h - Log lines on stderr.
 *
 * Only main(), the subcommands and a daemon's sessions write log lines.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG
};

/*
 * Set the prefix and the most verbose level that is printed.  Borrows
 * `program`.
 */
void log_init(const char *program, enum log_level max_level);
/*
 * Print each newline within a log line as a blank.  A daemon must call this
 * function, because its log lines can contain text of clients, and a newline in
 * such a text would begin another entry.
 */
void log_set_single_line(void);
/*
 * Pass log lines, without their newlines, to `sink` instead of stderr.  The
 * sink is called on the thread that logs, one call at a time, and must not log.
 * A `sink` of NULL restores stderr.
 */
typedef void log_sink(void *ctx, const char *line);
void log_set_sink(log_sink *sink, void *ctx);
/*
 * Print a line such as "kfarm: warning: TEXT".  One write(2) prints the whole
 * line, so that lines do not mix.
 */
void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

#endif
