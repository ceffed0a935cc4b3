/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/msg.h - Messages between kfarmd, the sandbox init and its jobs.
 *
 * The messages are sent over one SOCK_SEQPACKET pair.  The processes at both
 * ends run the same program, so a message is a struct without encoding.
 *
 *	kfarmd -> init	SET_UP		build the sandbox
 *			START		start a job; followed by the argument of
 *					`prepare`, strings and descriptors
 *			KILL		kill a job
 *			PAUSE		stop the processes of a job
 *			RESUME		continue the processes of a job
 *	init -> kfarmd	READY		the sandbox exists; descriptors: root,
 *					stage
 *			SETUP_FAILED	the setup failed: layer, error
 *			ENDED		a job ended: wait status, resource usage
 *	job -> kfarmd	STARTED		argv[0] is about to be executed;
 *					descriptor: SANDBOX_OUT_DIR
 *			START_FAILED	the job did not start: layer, error;
 *					ENDED follows
 *
 * A job sends its messages directly to kfarmd.  The exec of argv[0] closes the
 * job's copy of the socket.  The sandbox init sends START_FAILED for a job that
 * it could not clone.
 */
#ifndef SANDBOX_MSG_H
#define SANDBOX_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SANDBOX_MSG_FDS_MAX  4
#define SANDBOX_MSG_TEXT_MAX 100

enum sandbox_msg_type {
	SANDBOX_MSG_SET_UP,
	SANDBOX_MSG_START,
	SANDBOX_MSG_KILL,
	SANDBOX_MSG_PAUSE,
	SANDBOX_MSG_RESUME,
	SANDBOX_MSG_READY,
	SANDBOX_MSG_SETUP_FAILED,
	SANDBOX_MSG_STARTED,
	SANDBOX_MSG_START_FAILED,
	SANDBOX_MSG_ENDED
};

/*
 * Descriptors of START.  The message has the descriptors whose bits are set in
 * `fd_mask`, in this order.
 */
enum sandbox_msg_fd {
	SANDBOX_MSG_FD_STDIN,
	SANDBOX_MSG_FD_STDOUT,
	SANDBOX_MSG_FD_STDERR,
	/* input file; its name follows the cwd in the message */
	SANDBOX_MSG_FD_INPUT,
};

struct sandbox_msg {
	uint32_t type;
	uint32_t id; /* number of the job */
	int32_t error;
	/* START */
	uint32_t argc;
	uint32_t envc;
	/* length of the argument of `prepare`, which precedes the strings */
	uint32_t prepare_bytes;
	/*
	 * See struct sandbox_job.  The pointer is valid in the receiver, which
	 * is a fork of kfarmd.
	 */
	const char *(*prepare)(const void *arg);
	/* bit i: descriptor i of enum sandbox_msg_fd is present */
	uint32_t fd_mask;
	uint32_t self_test; /* run the self-test instead of argv[0] */
	/* ENDED */
	int32_t status;
	uint32_t cpu_ms;
	uint32_t wall_ms;
	uint32_t peak_kib;
	/* READY */
	uint32_t landlock_abi; /* ABI version */
	uint32_t hostname_hidden; /* jobs do not see the node's host name */
	uint32_t proc; /* each job has a procfs */
	uint32_t job_userns; /* each job gets a separate user namespace */
	/* each job gets a separate uid, because there are no user namespaces */
	uint32_t job_uid;
	/* SETUP_FAILED, START_FAILED: the failed operation */
	char layer[24];
	char operation[SANDBOX_MSG_TEXT_MAX];
};

/* Descriptors and credentials of a message. */
struct sandbox_msg_ancillary {
	int fds[SANDBOX_MSG_FDS_MAX]; /* the receiver closes them */
	unsigned n_fds;
	pid_t pid; /* pid of the sender; 0 unless SO_PASSCRED is set */
	uid_t uid;
	gid_t gid;
};

/*
 * Send a message, `len` bytes of `tail`, and `n` descriptors.  Returns 0 or a
 * negative errno.  Allocates no memory and takes no lock.
 */
int sandbox_msg_send(int sock, const struct sandbox_msg *m, const void *tail,
		     size_t len, const int *fds, unsigned n);
/*
 * Receive a message, and up to `size` following bytes into `tail`.  Returns the
 * number of these bytes.  On failure, closes all received descriptors and
 * returns -EPIPE if the other end is closed, -EPROTO if the message is too
 * short or too long, or another negative errno such as -EAGAIN.
 */
ssize_t sandbox_msg_receive(int sock, struct sandbox_msg *m, void *tail,
			    size_t size, struct sandbox_msg_ancillary *extra,
			    int flags);
/* Close the received descriptors. */
void sandbox_msg_close_fds(struct sandbox_msg_ancillary *extra);

#endif
