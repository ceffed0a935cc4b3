/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/cc.h - Messages between kfarm-cc and the coordinator over $KFARM_SOCKET.
 *
 * The wrapper is static and small, so this module needs only libc.  The rules
 * of wire/msg.h apply; frames are never compressed.
 */
#ifndef WIRE_CC_H
#define WIRE_CC_H

#include "base/buf.h"
#include "base/str.h"
#include "wire/field.h"

#include <stdbool.h>

/*
 * Limits of one CC_JOB.  WIRE_CC_COMMAND_MAX is the sum of the bytes of the
 * command line and the environment, without NULs.  WIRE_CC_WORDS_MAX is the
 * number of words of the command line.  A command beyond a limit runs locally.
 */
#define WIRE_CC_COMMAND_MAX (512u << 10)
#define WIRE_CC_WORDS_MAX   16384
#define WIRE_CC_ROOT_MAX    64 /* bytes of the text of wire_cc_root() */
/*
 * Limit in bytes for each of stdout and stderr in CC_DONE, so that both fit
 * into one frame.  For longer output the coordinator replies CC_LOCAL.
 */
#define WIRE_CC_DIAG_MAX (472u << 10)

struct wire_cc_job {
	uint32_t pid; /* pid of the wrapper, part of temporary file names */
	uint32_t umask; /* umask of the wrapper */
	/*
	 * The next four fields must be adjacent: WIRE_BOOLS() packs them as
	 * four bits.
	 */
	/* stderr is a terminal, so diagnostics have colours and a width */
	bool tty_stderr;
	/*
	 * stdout or stderr is closed, or a resource limit could change the
	 * result of a compile (cc_real_compiler_is_limited())
	 */
	bool restricted;
	/* the command names ccache or a similar program before the compiler */
	bool launched;
	/*
	 * the command compiles and links, and this job is only its compile;
	 * only a coordinator with a result cache accepts such a job
	 */
	bool linked;
	char *root; /* wire_cc_root() of the wrapper */
	char *cwd;
	char *compiler; /* absolute path of the real compiler */
	struct strv argv; /* argv[0] as given by make */
	/*
	 * PATH and the variables that gcc reads, each as NAME=VALUE; at most
	 * WIRE_ENV_MAX
	 */
	struct strv env;
};

WIRE_MESSAGE(cc_job);

/*
 * Return the path of a marker file next to the socket.  A wrapper creates the
 * file when the coordinator does not respond.  While the file exists, wrappers
 * and recipe shells do not contact the coordinator.  A running coordinator
 * removes the file every second.  The caller frees the path.
 */
char *wire_cc_stalled_path(const char *socket);

/*
 * Return the path of the file that lists the compiles that run locally because
 * the coordinator did not respond.  The file is next to the socket, and the
 * coordinator creates and removes it.  Each process that runs one of these
 * compiles appends a line "PID LINKED SOURCE" with one write().  PID is the pid
 * of the process if it has sent its complete request to the coordinator, else
 * 0.  LINKED is 1 if `linked` of the request is set, else 0.  The caller frees
 * the path.
 */
char *wire_cc_unanswered_path(const char *socket);

/*
 * Return a text that identifies the root directory and the mount namespace of
 * this process: paths name the same files in all processes with the same text.
 * Without /proc, the text identifies only the root directory.  The caller frees
 * it.
 */
char *wire_cc_root(void);

/*
 * CC_BEAT has no body and means that the coordinator is alive.  CC_LOCAL asks
 * the wrapper to run the compiler; its body is the reason as plain text.
 */

struct wire_cc_rename {
	char *tmp;
	char *to;
};

/*
 * CC_DONE: the wrapper renames each of `sides`, then `dep_tmp` to `dep` (both
 * empty without a depfile), and then `object_tmp` to `object` (both empty
 * without an object).  Finally, the wrapper writes the diagnostics and exits
 * with `status`.  Paths are absolute or relative to the wrapper's working
 * directory.
 */
struct wire_cc_done {
	uint8_t status;
	uint8_t n_sides; /* number of side outputs */
	struct wire_cc_rename *sides;
	char *dep_tmp;
	char *dep;
	char *object_tmp;
	char *object;
	struct bytes out; /* borrowed from the input when decoded */
	struct bytes err;
};

WIRE_MESSAGE(cc_done);

/*
 * CC_FIXDEP: request the output of the command `program DEPFILE TARGET COMMAND`
 * in the directory `cwd`, where `program` is the fixdep of a kernel tree.  The
 * message omits COMMAND, because fixdep only copies it to its output.  The
 * reply is CC_FIXED, or CC_LOCAL if the sender must run the program.
 */
struct wire_cc_fixdep {
	char *root; /* wire_cc_root() of the sender */
	char *cwd; /* absolute path */
	char *program;
	char *depfile;
	char *target;
};

WIRE_MESSAGE(cc_fixdep);

/* Limit in bytes of the source that a compiler reads from stdin. */
#define WIRE_CC_TEXT_MAX (64u << 10)

/*
 * CC_STEP, sent before CC_JOB: the compile of CC_JOB has a tool step, which is
 * a run of genksyms, objtool or dtc.  CC_STEP itself has no reply.
 *
 * WIRE_STEP_SYMBOLS (genksyms): the command of CC_JOB has -E and no -o.  The
 * reply CC_DONE has no object, and its `out` is the tool's stdout.
 * WIRE_STEP_OBJECT (objtool): the object in CC_DONE is the object that the tool
 * has modified.
 * WIRE_STEP_DEVICETREE (dtc): the command of CC_JOB has -E and -o.  The object
 * in CC_DONE is the devicetree blob.  The side outputs are the preprocessed
 * text and dtc's list of the files that it read (options/devicetree.h).
 */
struct wire_cc_step {
	uint8_t kind; /* enum wire_step_kind */
	/*
	 * For SYMBOLS: the content of the command's stdin if the source is "-"
	 * (options_command_parse_stdin()), or empty if the source is a file.
	 * Empty for other kinds.
	 */
	char *text;
	char *program; /* absolute path of the tool */
	/*
	 * Arguments of the tool without argv[0]: at most WIRE_STEP_ARGS_MAX,
	 * with at most WIRE_PATH_MAX bytes each.  For OBJECT, the last
	 * argument, which is the object's name, is omitted as well.
	 */
	struct strv args;
};

WIRE_MESSAGE(cc_step);

/* Limit in bytes of `after_command`, so that CC_FIXED fits into one frame. */
#define WIRE_CC_FIXED_MAX (944u << 10)

/*
 * CC_FIXED, the reply to CC_FIXDEP: the fixdep program would print
 * `before_command`, its argument COMMAND and `after_command`, and exit with 0.
 */
struct wire_cc_fixed {
	/* both borrowed from the input when decoded */
	struct bytes before_command;
	struct bytes after_command;
};

WIRE_MESSAGE(cc_fixed);

#endif
