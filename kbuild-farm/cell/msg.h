/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/msg.h - what the keeper of a cell, its jobs and we say to each other,
 * over one SOCK_SEQPACKET pair.  Both ends are this program.
 *
 *	us -> keeper	GO	build the cell
 *			START	a job: the set of its CPUs and its strings
 *				follow, then descriptors
 *			KILL	a job
 *	keeper -> us	READY	the cell stands; descriptors: root, stage
 *			BROKEN	it does not: layer, error
 *			ENDED	a job: its wait status and what it used
 *	a job -> us	STARTED	just before its exec; descriptor: CELL_OUT
 *			FAILED	it could not start: layer, error; ENDED follows
 *
 * Jobs speak for themselves: their end of the socket closes with the exec.
 */
#ifndef CELL_MSG_H
#define CELL_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CELL_MSG_FDS  4
#define CELL_MSG_TEXT 100

enum cell_msg_type {
	CELL_MSG_GO,
	CELL_MSG_START,
	CELL_MSG_KILL,
	CELL_MSG_READY,
	CELL_MSG_BROKEN,
	CELL_MSG_STARTED,
	CELL_MSG_FAILED,
	CELL_MSG_ENDED
};

/* Where the descriptors of START stand; those that are there, in order. */
enum cell_msg_fd {
	CELL_MSG_STDIN,
	CELL_MSG_STDOUT,
	CELL_MSG_STDERR,
	CELL_MSG_COPY, /* its name follows the cwd */
};

struct cell_msg {
	uint32_t type;
	uint32_t id; /* of the job */
	int32_t error;
	/* START */
	uint32_t deadline_ms;
	uint32_t argc;
	uint32_t envc;
	uint32_t cpu_bytes; /* of the set of its CPUs, before its strings; 0 */
	uint32_t fds; /* bit i: descriptor i of enum cell_msg_fd is there */
	uint32_t self_test; /* no exec: the job tries to get out */
	/* ENDED */
	int32_t status;
	uint32_t overdue; /* killed for its deadline */
	uint32_t cpu_ms;
	uint32_t wall_ms;
	uint32_t peak_kib;
	/* READY */
	uint32_t landlock; /* its ABI */
	uint32_t own_user; /* jobs have user namespaces of their own */
	uint32_t own_uid; /* there are none: each job is another user */
	/* BROKEN, FAILED: what failed */
	char layer[24];
	char what[CELL_MSG_TEXT];
};

/* Descriptors, and who sent them. */
struct cell_msg_extra {
	int fd[CELL_MSG_FDS]; /* the receiver's to close */
	unsigned n;
	pid_t pid; /* 0 unless SO_PASSCRED is set */
	uid_t uid;
	gid_t gid;
};

/*
 * Send a message, `len` bytes behind it, and descriptors.  Returns 0 or a
 * negative errno.  Neither allocates nor locks.
 */
int cell_msg_send(int sock, const struct cell_msg *m, const void *tail,
		  size_t len, const int *fds, unsigned n);
/*
 * Receive one; at most `size` bytes behind it into `tail`.  Returns how many
 * bytes these were; -EPIPE at the end, -EAGAIN, -EPROTO or a negative errno,
 * and then no descriptor is left open.
 */
ssize_t cell_msg_receive(int sock, struct cell_msg *m, void *tail, size_t size,
			 struct cell_msg_extra *extra, int flags);
void cell_msg_close(struct cell_msg_extra *extra);

#endif
