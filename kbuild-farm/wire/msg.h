/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg.h - the bodies of the messages between kfarm and kfarmd.
 *
 * One struct per message, and WIRE_MESSAGE(x) stands for these:
 *
 *	void wire_x_encode(struct buf *out, const struct wire_x *m);
 *		appends to a buffer
 *	int wire_x_decode(struct wire_x *m, struct bytes in);
 *		0 or -EPROTO; writes its struct only on success
 *	void wire_x_release(struct wire_x *m);
 *		strings and lists of a decoded message are its own; what is
 *		borrowed from the input says so
 *
 * The conversation is drawn in wire/PROTOCOL.
 *
 * Here are the messages about the two ends; those about a cell and its files
 * are in wire/msg-cell.h, wire/paths.h and wire/flags.h, those of a job in
 * wire/msg-job.h and wire/key.h, those of toolchains in wire/msg-tools.h, those
 * of the machine and how it does in wire/msg-machine.h.
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
#include "wire/field.h"
#include "wire/key.h"
#include "wire/limits.h"
#include "wire/msg-cell.h"
#include "wire/msg-job.h"
#include "wire/msg-machine.h"
#include "wire/msg-tools.h"

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
	struct strv compilers; /* none since version 2 */
};

struct wire_hello {
	uint16_t version_min;
	uint16_t version_max;
	char *software; /* "kfarmd 0.1" */
	struct wire_inventory inventory; /* zeroed when kfarm says hello */
};

WIRE_MESSAGE(inventory);
WIRE_MESSAGE(hello);
/* What kfarm itself says to a node: its versions, no inventory. */
void wire_hello_encode_kfarm(struct buf *out);
/* The version that both ends speak, or -EPROTO when there is none. */
int wire_hello_version(const struct wire_hello *peer);

/* The body of SHUT and CANCEL: the number of the cell, of the job. */
void wire_number_encode(struct buf *out, uint32_t number);
int wire_number_decode(uint32_t *number, struct bytes in);

/* The body of BYE; the caller frees `*why`. */
void wire_bye_encode(struct buf *out, const char *why);
int wire_bye_decode(char **why, struct bytes in);
/*
 * Who hears BYE ends the conversation: -ECONNRESET with `err` saying what the
 * peer said, or -EPROTO.
 */
int wire_bye_end(struct bytes in, struct err *err);

/* Right behind kfarmd's hello: whether its sandbox holds. */
struct wire_fit {
	uint8_t fit; /* 1: jobs can run */
	char *layers; /* that hold, parted by blanks: "user mount pid ..." */
	char *why; /* which one is missing and how to enable it; "" if fit */
	/* What programs run there: "arm64", "arm"; its own first.  At most
	   WIRE_HOSTS, wire_host_ok(). */
	struct strv hosts;
};

WIRE_MESSAGE(fit);

struct wire_beat_job {
	uint32_t job;
	uint32_t cpu_ms; /* used so far by the compiler and its children */
};

struct wire_beat {
	uint32_t available_mib;
	uint32_t load_milli;
	uint16_t n_jobs; /* at most WIRE_BEAT_JOBS */
	struct wire_beat_job *jobs; /* those whose compiler runs */
};

WIRE_MESSAGE(beat);

#endif
