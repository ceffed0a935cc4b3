/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/probe.h - a question to the compiler that may have been asked before.
 *
 * What a probe (options/probe.h) was answered is remembered in a directory:
 * exit status, what was said, the file that was written.  The question is the
 * compiler with the stamps of its files (options/probe-list.h), the words, the
 * variables that compilers read, the working directory, standard input, and
 * whether stdout and stderr are one.  An answer counts as long as those files
 * are as they were.
 *
 * Not remembered is what could come out otherwise the next time or elsewhere:
 * what a signal, a limit, a full disk or the lack of memory brought about, what
 * names the output or is long; and nothing where a terminal hears it, a file is
 * there already, or an output is closed.  Whatever goes wrong here, the
 * compiler is asked as if there were no memory.
 */
#ifndef CC_PROBE_H
#define CC_PROBE_H

#include "options/command.h"

struct cc_probe;

/*
 * The question of a call, NULL: it is none to be remembered.  `dir` is where
 * answers are, `env` what the compiler gets.  Standard input may have been read
 * then, so the rest has to be called; `c` is not needed any more.
 */
struct cc_probe *cc_probe_new(const char *dir, const char *compiler,
			      char **argv, char *const *env,
			      const struct options_command *c);
void cc_probe_free(struct cc_probe *p);
/* Answer from memory, true, or do nothing. */
bool cc_probe_answer(const struct cc_probe *p, int *status);
/*
 * Ask the compiler, pass on what it says and remember it: true, or the caller
 * has to become the compiler, whose standard input is what it was, in this
 * process.  A signal that ended the compiler ends this process.
 */
bool cc_probe_ask(struct cc_probe *p, int *status);

#endif
