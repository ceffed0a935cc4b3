/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/limits.h - the versions, the types and the bounds of the protocol.
 *
 * Whatever a peer announces is held against these before memory is taken for
 * it.  An encoder's caller keeps to them too: a peer ends the conversation
 * over a body that does not.
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

#define WIRE_VERSION_MIN 6
#define WIRE_VERSION     11

#define WIRE_PATH_MAX   4096
#define WIRE_NAME_MAX   255 /* bytes of a name: of a host, a compiler */
#define WIRE_COMPILERS  256 /* in an inventory */
#define WIRE_ROOTS      16 /* directories of a cell */
#define WIRE_FLAGS_MAX  4096 /* flags of a job */
#define WIRE_ARGV_MAX   (128u << 10) /* bytes of their names and values */
#define WIRE_ENV_MAX    64 /* variables of a job, WIRE_PATH_MAX bytes each */
#define WIRE_STEP_ARGS  64 /* arguments of a tool, WIRE_PATH_MAX bytes each */
#define WIRE_DIAG_MAX   (4u << 20) /* bytes of stdout and stderr each */
#define WIRE_DEPS_MAX   (4u << 20) /* bytes of each list of files read */
#define WIRE_OBJECT_MAX (256u << 20) /* bytes of an object */
#define WIRE_SIDES_MAX  6 /* files of a compile beside its object */
#define WIRE_SIDE_MAX   (64u << 20) /* bytes of each */
#define WIRE_BLOB_MAX   (1ull << 30) /* bytes of a file in a view */
#define WIRE_CHUNK_MAX  (256u << 10) /* raw bytes in one OUTPUT, BLOB */
#define WIRE_REASON_MAX 1000
#define WIRE_BEAT_JOBS  1024
/* Where a job has its temporaries, as its lists of files read show it. */
#define WIRE_JOB_TMP "/.kfarm/tmp"
/* Where a job with `named` writes the object, and each of the others. */
#define WIRE_JOB_OBJECT "/.kfarm/out/out.o"
#define WIRE_JOB_SIDE   "/.kfarm/out/side."

#define WIRE_VIEW_ENTRIES (1u << 16) /* entries of one VIEW */

/* Of the toolchains that a node keeps. */
#define WIRE_ID_MAX         128 /* bytes of the id of one */
#define WIRE_HOST_MAX       32 /* of what it runs on */
#define WIRE_HOSTS          16 /* of those in FIT */
#define WIRE_JSON_MAX       (64u << 10) /* bytes of a toolchain.json */
#define WIRE_BUNDLE_ENTRIES (1u << 16) /* entries of one */
#define WIRE_BUNDLE_BYTES   (32ull << 30) /* and the bytes of its files */
#define WIRE_HELD_MAX       512 /* of them in one HELD */

/* What one connection may name in its whole life (wire/intern.h). */
#define WIRE_PATHS_KNOWN (1u << 20) /* paths */
#define WIRE_PATHS_BYTES (64u << 20) /* and their bytes together */
#define WIRE_PATHS_BODY  (4u << 20) /* bytes of those in one PATHS, in full */
#define WIRE_FLAGS_KNOWN (1u << 18) /* flags */
#define WIRE_FLAGS_BYTES (32u << 20) /* and their bytes together */

enum wire_type {
	WIRE_HELLO = 1, /* both ways, first */
	WIRE_BYE, /* both ways: why this end stops talking */
	WIRE_FIT, /* kfarmd: can jobs run here? */
	WIRE_CELL, /* kfarm: make a cell for this toolchain */
	WIRE_HAVE, /* kfarmd: the cell is ready, refused or lost */
	WIRE_SHUT, /* kfarm: no more jobs for this cell */
	WIRE_PATHS, /* kfarm: numbers for paths */
	WIRE_VIEW, /* kfarm: what changes in a cell's files */
	WIRE_NEED, /* kfarmd: the bytes it lacks for that */
	WIRE_BLOB, /* kfarm: a piece of them */
	WIRE_FLAGS, /* kfarm: numbers for flags */
	WIRE_JOB, /* kfarm: a compile */
	WIRE_CANCEL, /* kfarm: forget the job */
	WIRE_BEAT, /* kfarmd, every second: alive, and how the jobs do */
	WIRE_OUTPUT, /* kfarmd: a piece of what came out */
	WIRE_RESULT, /* kfarmd: the compiler ended */
	WIRE_FAIL, /* kfarmd: it could not be run, or its result is void */
	WIRE_BUNDLE, /* kfarm: keep the toolchain that VIEWs bring */
	WIRE_DROPPED, /* kfarmd: it is gone; or why not */
	WIRE_TOOLS, /* kfarm: which toolchains do you hold? */
	WIRE_HELD, /* kfarmd: these */
	WIRE_DROP, /* kfarm: remove that one */
	WIRE_HEALTH, /* kfarmd, with its beats: how the machine does */
	WIRE_MACHINE, /* kfarmd, behind FIT: what the machine is */
	WIRE_PIN, /* kfarm: the CPUs of the next job */
	WIRE_HEAT, /* kfarmd, beside HEALTH: how its classes and sensors do */
	WIRE_STEP, /* kfarm: a tool that runs with the compiler of the next job
		    */

	WIRE_CC_JOB = 32, /* kfarm-cc: the messages of wire/cc.h */
	WIRE_CC_BEAT,
	WIRE_CC_LOCAL,
	WIRE_CC_DONE,
	WIRE_CC_FIXDEP, /* the shell of make's recipes */
	WIRE_CC_FIXED,
	WIRE_CC_STEP, /* the shell, in front of its CC_JOB */
};

#endif
