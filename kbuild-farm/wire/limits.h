/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/limits.h - Versions, message types and limits of the protocol.
 *
 * A receiver checks each announced number against these limits before it
 * allocates memory.  A sender must observe the limits as well, because the peer
 * ends the session over a message that exceeds a limit.
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

#include "base/version.h"

#define WIRE_VERSION_MIN 6
#define WIRE_VERSION     13

#define WIRE_TEXT(x)          #x
#define WIRE_EXPANDED_TEXT(x) WIRE_TEXT(x)
/*
 * The output of `kfarmd --version`.  The program file of a kfarmd contains this
 * text, by which kfarm recognizes a kfarmd of another version.
 */
#define WIRE_KFARMD_VERSION     \
	"kfarmd " KFARM_VERSION \
	" (protocol " WIRE_EXPANDED_TEXT(WIRE_VERSION) ")"

#define WIRE_PATH_MAX      4096
#define WIRE_NAME_MAX      255 /* bytes of the name of a host or compiler */
#define WIRE_COMPILERS_MAX 256 /* compilers in an inventory */
#define WIRE_ROOTS_MAX     16 /* client directories in an input root */
#define WIRE_FLAGS_MAX     4096 /* flags of a job */
/* bytes of a job's flag names and values */
#define WIRE_ARGV_MAX (128u << 10)
#define WIRE_ENV_MAX  64 /* variables of a job, WIRE_PATH_MAX bytes each */
/* arguments of a tool, each of at most WIRE_PATH_MAX bytes */
#define WIRE_STEP_ARGS_MAX 64
#define WIRE_DIAG_MAX      (4u << 20) /* bytes of stdout and stderr each */
#define WIRE_DEPS_MAX      (4u << 20) /* bytes of each depfile */
#define WIRE_OBJECT_MAX    (256u << 20) /* bytes of an object */
#define WIRE_SIDES_MAX     6 /* side outputs of a compile */
#define WIRE_SIDE_MAX      (64u << 20) /* bytes of each side output */
#define WIRE_BLOB_MAX      (1ull << 30) /* bytes of a file in an input root */
/* uncompressed bytes in one OUTPUT or BLOB */
#define WIRE_CHUNK_MAX     (256u << 10)
#define WIRE_REASON_MAX    1000
#define WIRE_BEAT_JOBS_MAX 1024
/*
 * Directory for temporary files of a job.  This path appears in the job's
 * depfiles.
 */
#define WIRE_JOB_TMP "/.kfarm/tmp"
/*
 * Sandbox paths of the object and of the side outputs of a job.  The path of a
 * side output is WIRE_JOB_SIDE followed by its number, from 0.
 */
#define WIRE_JOB_OBJECT "/.kfarm/out/out.o"
#define WIRE_JOB_SIDE   "/.kfarm/out/side."

#define WIRE_VIEW_ENTRIES_MAX (1u << 16) /* entries of one VIEW */

/* Limits of installed toolchains. */
#define WIRE_ID_MAX             128 /* bytes of an ID */
#define WIRE_HOST_MAX           32 /* bytes of an architecture name */
#define WIRE_HOSTS_MAX          16 /* architectures in FIT */
#define WIRE_JSON_MAX           (64u << 10) /* bytes of toolchain.json */
#define WIRE_BUNDLE_ENTRIES_MAX (1u << 16) /* entries of a toolchain */
#define WIRE_BUNDLE_BYTES_MAX   (32ull << 30) /* bytes of a toolchain's files */
#define WIRE_HELD_MAX           512 /* toolchains in one HELD */

/* Limits of a connection's tables, which only grow (wire/table.h). */
#define WIRE_PATHS_TABLE_MAX (1u << 20) /* paths */
#define WIRE_PATHS_BYTES_MAX (64u << 20) /* bytes of all paths */
/* bytes of the full paths in one PATHS */
#define WIRE_PATHS_BODY_MAX  (4u << 20)
#define WIRE_FLAGS_TABLE_MAX (1u << 18) /* flags */
#define WIRE_FLAGS_BYTES_MAX (32u << 20) /* bytes of all flags */

/* The name before the colon is the sender of the message. */
enum wire_type {
	WIRE_HELLO = 1, /* both: the first message */
	WIRE_BYE, /* both: the session ends, with the reason */
	WIRE_FIT, /* kfarmd: result of the sandbox test */
	WIRE_CELL, /* kfarm: create a sandbox for a toolchain */
	WIRE_HAVE, /* kfarmd: the sandbox is ready, refused or lost */
	WIRE_SHUT, /* kfarm: no more jobs for this sandbox */
	WIRE_PATHS, /* kfarm: assign numbers to paths */
	WIRE_VIEW, /* kfarm: update an input root */
	WIRE_NEED, /* kfarmd: request blobs of a VIEW that the node lacks */
	WIRE_BLOB, /* kfarm: a chunk of a requested blob */
	WIRE_FLAGS, /* kfarm: assign numbers to flags */
	WIRE_JOB, /* kfarm: compile request */
	WIRE_CANCEL, /* kfarm: cancel the job */
	WIRE_BEAT, /* kfarmd: sent every second, with the CPU time of jobs */
	WIRE_OUTPUT, /* kfarmd: a chunk of an output */
	WIRE_RESULT, /* kfarmd: the compiler exited */
	WIRE_FAIL, /* kfarmd: the job could not run, or its result is void */
	WIRE_BUNDLE, /* kfarm: install the toolchain that later VIEWs send */
	/* kfarmd: reply to DROP, with the reason if it was refused */
	WIRE_DROPPED,
	WIRE_TOOLS, /* kfarm: request the list of installed toolchains */
	WIRE_HELD, /* kfarmd: the list of installed toolchains */
	WIRE_DROP, /* kfarm: remove an installed toolchain */
	WIRE_HEALTH, /* kfarmd, with BEAT: state of the machine */
	WIRE_MACHINE, /* kfarmd, after FIT: description of the machine */
	WIRE_PIN, /* kfarm: CPU class of the next job */
	WIRE_HEAT, /* kfarmd, with HEALTH: state of core classes and sensors */
	WIRE_STEP, /* kfarm: tool step of the next job */
	WIRE_WEIGHT, /* kfarm: weight of this session's jobs */
	WIRE_LEASE, /* kfarmd: slots that kfarm may use now */
	WIRE_RELAY, /* kfarmd: the nodes behind a relay */
	WIRE_VIA, /* kfarmd: the node behind a relay that ran the job */
	WIRE_EXCLUDE, /* kfarm: a node behind the relay gets no more jobs */
	WIRE_NEIGHBOR, /* kfarm: another node of the site */
	WIRE_FETCH, /* kfarm: get a blob from a neighbor */
	WIRE_GET, /* kfarmd to a neighbor: request a blob */
	WIRE_GONE, /* kfarmd to a neighbor: the requested blob is missing */

	/* From this number on: the messages of wire/cc.h. */
	WIRE_CC_JOB = 64,
	WIRE_CC_BEAT,
	WIRE_CC_LOCAL,
	WIRE_CC_DONE,
	WIRE_CC_FIXDEP, /* sent by the recipe shell */
	WIRE_CC_FIXED,
	WIRE_CC_STEP, /* sent by the recipe shell before CC_JOB */
};

/*
 * Return the name, such as "JOB", of a message between kfarm and kfarmd, or
 * NULL if this version of the protocol does not have the message.
 */
const char *wire_type_name(unsigned type, int version);

#endif
