/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg.h - the bodies of the messages between kfarm and kfarmd.
 *
 * One struct per message, an encoder that appends to a buffer and a decoder
 * that returns 0 or -EPROTO and writes its struct only on success.  Strings
 * and lists of a decoded message are its own: x_release() frees them.  The
 * conversation is drawn in wire/PROTOCOL.
 *
 * Lines for people (names, details, reasons) are cut to their limit and lose
 * their control characters when encoded; a decoder refuses such characters,
 * and whatever else is beyond a limit.
 */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"

#define WIRE_VERSION_MIN 1
#define WIRE_VERSION     1

/* design.md, section 8 */
#define WIRE_PATH_MAX   4096
#define WIRE_NAME_MAX   255 /* bytes of a name: of a host, a compiler */
#define WIRE_COMPILERS  256 /* in an inventory */
#define WIRE_FLAGS_MAX  4096 /* flags of a job */
#define WIRE_ARGV_MAX   (128u << 10) /* bytes of their names and values */
#define WIRE_ENV_MAX    64 /* variables of a job, WIRE_PATH_MAX bytes each */
#define WIRE_TEXT_MAX   (64u << 20) /* bytes of a job's text */
#define WIRE_DIAG_MAX   (4u << 20) /* bytes of stdout and stderr each */
#define WIRE_OBJECT_MAX (256u << 20) /* bytes of an object */
#define WIRE_CHUNK_MAX  (256u << 10) /* raw bytes in one TEXT or OUTPUT */
#define WIRE_REASON_MAX 1000

enum wire_type {
	WIRE_HELLO = 1, /* both ways, first */
	WIRE_BYE, /* both ways: why this end stops talking (a string) */
	WIRE_ASK, /* kfarm: have you this toolchain? */
	WIRE_HAVE, /* kfarmd: the answer */
	WIRE_JOB, /* kfarm: a compile; TEXT follows */
	WIRE_TEXT, /* kfarm: a piece of its input */
	WIRE_CANCEL, /* kfarm: forget the job */
	WIRE_BEAT, /* kfarmd, every second: alive, and how the jobs do */
	WIRE_OUTPUT, /* kfarmd: a piece of the object */
	WIRE_RESULT, /* kfarmd: the compiler ended */
	WIRE_FAIL, /* kfarmd: it could not be run, or its result is void */

	WIRE_CC_JOB = 32, /* kfarm-cc: the messages of wire/cc.h */
	WIRE_CC_BEAT,
	WIRE_CC_LOCAL,
	WIRE_CC_DONE,
};

/* What a machine has; sent by kfarmd in its hello. */
struct wire_inventory {
	char *machine; /* uname -m, as "aarch64" */
	char *host; /* uname -n */
	char *boot_id; /* /proc/sys/kernel/random/boot_id */
	uint16_t cores; /* that may be used (affinity, cgroup) */
	uint16_t slots; /* kfarmd's own limit, 0: none given */
	uint32_t memory_mib; /* MemTotal */
	uint32_t available_mib; /* MemAvailable */
	uint32_t load_milli; /* 1-minute load average times 1000 */
	struct strv compilers; /* names of those found, as "gcc-12" */
};

struct wire_hello {
	uint16_t version_min;
	uint16_t version_max;
	char *software; /* "kfarmd 0.1" */
	struct wire_inventory inventory; /* zeroed when kfarm says hello */
};

void wire_inventory_release(struct wire_inventory *inv);
void wire_hello_release(struct wire_hello *m);
void wire_hello_encode(struct buf *out, const struct wire_hello *m);
/* What kfarm itself says to a node: its versions, no inventory. */
void wire_hello_encode_kfarm(struct buf *out);
int wire_hello_decode(struct wire_hello *m, struct bytes in);
/* The version that both ends speak, or -EPROTO when there is none. */
int wire_hello_version(const struct wire_hello *peer);

/* The body of BYE; the caller frees `*why`. */
void wire_bye_encode(struct buf *out, const char *why);
int wire_bye_decode(char **why, struct bytes in);

struct wire_ask {
	uint32_t seq; /* comes back in the answer */
	char *name; /* the driver's name, as "aarch64-linux-gnu-gcc-12" */
	struct digest id; /* the toolchain's identity on the build host */
};

enum wire_have_state {
	WIRE_HAVE_SAME,
	WIRE_HAVE_MISSING, /* no compiler of that name was found */
	WIRE_HAVE_OTHER, /* found, but with another identity */
};

struct wire_have {
	uint32_t seq;
	uint8_t state; /* enum wire_have_state */
	char *detail; /* what the node has instead, for people */
};

void wire_ask_release(struct wire_ask *m);
void wire_ask_encode(struct buf *out, const struct wire_ask *m);
int wire_ask_decode(struct wire_ask *m, struct bytes in);
void wire_have_release(struct wire_have *m);
void wire_have_encode(struct buf *out, const struct wire_have *m);
int wire_have_decode(struct wire_have *m, struct bytes in);

enum wire_lang {
	WIRE_LANG_C, /* gcc -E -fdirectives-only text of a .c */
	WIRE_LANG_ASM, /* gcc -E text of a .S */
};

/* One option of a compile; the node looks `name` up in its own table. */
struct wire_flag {
	char *name; /* as the table spells it, "-O", "-fno-common" */
	char *value; /* NULL for an option without one */
};

struct wire_job {
	uint32_t job; /* unique in this connection */
	struct digest toolchain;
	uint8_t lang; /* enum wire_lang */
	uint32_t text_len; /* bytes of all TEXT together */
	uint8_t check_indent; /* 1: its indentation may be misleading */
	uint32_t deadline_ms; /* from the compiler's start, then it is killed */
	uint16_t n_flags;
	struct wire_flag *flags; /* in the order of the command line */
	struct strv env; /* NAME=VALUE of those that gcc reads */
};

void wire_job_release(struct wire_job *m);
void wire_job_add_flag(struct wire_job *m, const char *name, const char *value);
/* Within all limits?  A node ends the conversation over a job that is not. */
bool wire_job_fits(const struct wire_job *m);
void wire_job_encode(struct buf *out, const struct wire_job *m);
int wire_job_decode(struct wire_job *m, struct bytes in);
/*
 * What binds an answer to its question: SHA-256 over the encoded job with
 * its number as zero, and the digest of its text.  In wire/key.c.
 */
void wire_job_key(const struct wire_job *m, const struct digest *text,
		  struct digest *key);
/* SHA-256 over the key, the object's bytes; in wire/key.c. */
void wire_answer_digest(const struct digest *key, struct bytes object,
			struct digest *out);

/*
 * TEXT and OUTPUT: `job`, `stream`, then the bytes (at most WIRE_CHUNK_MAX),
 * borrowed from the input when decoded.
 */
enum wire_output {
	WIRE_OBJECT,
	WIRE_STDOUT,
	WIRE_STDERR
};

struct wire_piece {
	uint32_t job;
	uint8_t stream; /* enum wire_output; 0 in TEXT */
	struct bytes data;
};

void wire_piece_encode(struct buf *out, const struct wire_piece *m);
int wire_piece_decode(struct wire_piece *m, struct bytes in);

/* The body of CANCEL. */
void wire_cancel_encode(struct buf *out, uint32_t job);
int wire_cancel_decode(uint32_t *job, struct bytes in);

struct wire_beat_job {
	uint32_t job;
	uint32_t cpu_ms; /* used so far by the compiler and its children */
};

#define WIRE_BEAT_JOBS 1024

struct wire_beat {
	uint32_t available_mib;
	uint32_t load_milli;
	uint16_t n_jobs; /* at most WIRE_BEAT_JOBS */
	struct wire_beat_job *jobs; /* those whose compiler runs */
};

void wire_beat_release(struct wire_beat *m);
void wire_beat_encode(struct buf *out, const struct wire_beat *m);
int wire_beat_decode(struct wire_beat *m, struct bytes in);

struct wire_result {
	uint32_t job;
	uint32_t wait_status; /* as waitpid() gave it */
	uint32_t cpu_ms;
	uint32_t wall_ms;
	uint32_t peak_kib;
	struct digest toolchain; /* that compiled it */
	uint32_t object_len; /* bytes sent before in OUTPUT */
	uint32_t stdout_len; /* bytes that the compiler said */
	uint32_t stderr_len;
	struct digest answer; /* wire_answer_digest() */
};

void wire_result_encode(struct buf *out, const struct wire_result *m);
int wire_result_decode(struct wire_result *m, struct bytes in);

enum wire_fail_class {
	WIRE_FAIL_UNSUPPORTED, /* an option or message that the node refuses */
	WIRE_FAIL_TOOLCHAIN, /* the toolchain is not (or no longer) there */
	WIRE_FAIL_NODE, /* disk, memory, processes of the node */
	WIRE_FAIL_VOID, /* the result is not to be used: too much output,
			   the text or the assembler read files of the node */
	WIRE_FAIL_DEADLINE, /* killed at its deadline */
	WIRE_FAIL_BUSY, /* beyond the node's slots */
};

struct wire_fail {
	uint32_t job;
	uint8_t class; /* enum wire_fail_class */
	char *reason;
};

void wire_fail_release(struct wire_fail *m);
void wire_fail_encode(struct buf *out, const struct wire_fail *m);
int wire_fail_decode(struct wire_fail *m, struct bytes in);

#endif
