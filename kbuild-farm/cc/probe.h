/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/probe.h - Cache of compiler probes.
 *
 * The result of a probe (options/probe.h) is stored in a directory: exit
 * status, output, and the file written.  The key consists of the compiler with
 * the stamps of its files (options/probe-stamps.h), the arguments, the
 * variables that compilers read, the working directory, standard input, and
 * whether stdout and stderr are the same file.  An entry is valid as long as
 * the compiler's files are unchanged.
 *
 * A result is not cached if it can differ next time (a signal, a limit, a full
 * disk or lack of memory was the cause), if it contains the output's name, or
 * if it exceeds 64 KiB.  Probes are not cached if an output is a terminal or
 * closed, or if the output file exists.  If the cache fails, the compiler runs
 * as it would without a cache.
 */
#ifndef CC_PROBE_H
#define CC_PROBE_H

#include "options/command.h"

struct cc_probe;

/*
 * Prepare the probe of a call.  `dir` is the cache, `env` the environment of
 * the compiler; `c` is not used afterwards.  Returns NULL if the call must not
 * be cached.  Otherwise bytes may have been read from standard input, so the
 * caller must run the call with cc_probe_replay() and cc_probe_run_compiler().
 * The caller frees the result.
 */
struct cc_probe *cc_probe_new(const char *dir, const char *compiler,
			      char **argv, char *const *env,
			      const struct options_command *c);
void cc_probe_free(struct cc_probe *p);
/*
 * Replay a cached result.  Returns true with *status, or false if nothing was
 * replayed and the compiler must run.
 */
bool cc_probe_replay(const struct cc_probe *p, int *status);
/*
 * Run the compiler, forward its output and cache the result.  Returns true with
 * *status, or false if the caller must execute the compiler in this process,
 * with standard input restored.  A signal that ended the compiler also ends
 * this process.
 */
bool cc_probe_run_compiler(struct cc_probe *p, int *status);

#endif
