/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg.h - The messages between kfarm and kfarmd.
 *
 * Each message has a struct.  WIRE_MESSAGE(x) declares these functions:
 *
 * 	void wire_x_encode_at(struct buf *out, const struct wire_x *m,
 * 			      int version);
 * 		Appends the body to a buffer, in a version of the protocol.
 * 	int wire_x_decode_at(struct wire_x *m, struct bytes in, int version);
 * 		Returns 0 or -EPROTO; writes *m only on success.
 * 	wire_x_encode(), wire_x_decode()
 * 		Do the same in the current version.  Use them for messages that
 * 		are equal in all versions, and for tests.
 * 	void wire_x_release(struct wire_x *m);
 * 		Frees the strings and lists that a decoded message owns.
 * 		A field marked as borrowed points into the input.
 *
 * kfarm-protocol(7) defines the meaning of the fields and the order of the
 * messages; wire/table.h implements PATHS and FLAGS.
 *
 * The encoder truncates lines of text for the user (names, details, reasons) to
 * their limit and replaces control characters.  The decoder rejects a line with
 * control characters and any field beyond its limit.
 */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"
#include "wire/field.h"
#include "wire/limits.h"
#include "wire/table.h"

#include <stdbool.h>

/* Resources of a node, part of kfarmd's HELLO. */
struct wire_inventory {
	char *machine; /* uname -m, such as "aarch64" */
	char *host; /* uname -n */
	char *boot_id; /* /proc/sys/kernel/random/boot_id */
	uint16_t cores; /* usable cores (affinity, cgroup) */
	uint16_t slots; /* limit configured in kfarmd; 0 for none */
	uint32_t memory_mib; /* MemTotal */
	uint32_t available_mib; /* MemAvailable */
	uint32_t load_milli; /* 1-minute load average times 1000 */
	struct strv compilers; /* always empty since version 2 */
};

struct wire_hello {
	uint16_t version_min;
	uint16_t version_max;
	char *software; /* program and version, such as "kfarmd 0.1" */
	struct wire_inventory inventory; /* zeroed in the HELLO of kfarm */
};

WIRE_MESSAGE(inventory);
WIRE_MESSAGE(hello);
/*
 * Encode the HELLO of kfarm, which has no inventory.  It offers all versions
 * that kfarm supports or, if `version` is not 0, only `version`.
 */
void wire_hello_encode_client(struct buf *out, int version);
/*
 * Return the highest version that both ends support, or -EPROTO if there is no
 * common version.
 */
int wire_hello_negotiate(const struct wire_hello *peer);

/*
 * Encode or decode the body of SHUT (the number of a sandbox or bundle) or of
 * CANCEL (the number of a job).  wire_number_decode() returns 0 or -EPROTO.
 */
void wire_number_encode(struct buf *out, uint32_t number);
int wire_number_decode(uint32_t *number, struct bytes in);

/*
 * Encode or decode the body of BYE.  The caller frees `*reason`.
 * wire_bye_decode() returns 0 or -EPROTO.
 */
void wire_bye_encode(struct buf *out, const char *reason);
int wire_bye_decode(char **reason, struct bytes in);
/*
 * Convert a received BYE to the error that ends the session.  Returns
 * -ECONNRESET with the peer's reason in `err`, or -EPROTO if the body is
 * malformed.
 */
int wire_bye_to_error(struct bytes in, struct err *err);

/* FIT: the result of kfarmd's sandbox test, sent after its HELLO. */
struct wire_fit {
	uint8_t usable; /* 1 if jobs can run */
	/* working sandbox layers, separated by blanks, as in "user mount" */
	char *layers;
	/*
	 * if not usable: the missing layer and how to enable it; for a usable
	 * relay (see RELAY below): which members are not usable, and why;
	 * otherwise ""
	 */
	char *reason;
	/*
	 * Architectures of the programs that the node can run, such as "arm64"
	 * and "arm"; the native architecture is first.  At most WIRE_HOSTS_MAX,
	 * each accepted by wire_host_is_valid().
	 */
	struct strv hosts;
};

WIRE_MESSAGE(fit);

struct wire_beat_job {
	uint32_t job;
	uint32_t cpu_ms; /* CPU time so far, of the compiler and its children */
};

struct wire_beat {
	uint32_t available_mib;
	uint32_t load_milli;
	uint16_t n_jobs; /* at most WIRE_BEAT_JOBS_MAX */
	struct wire_beat_job *jobs; /* jobs whose compiler runs */
};

WIRE_MESSAGE(beat);

/*
 * Return true for a valid toolchain ID: 1 to WIRE_ID_MAX characters, each of
 * which is a letter, a digit or one of "._+-".  The first character is a letter
 * or a digit.
 */
bool wire_id_is_valid(const char *id);
/*
 * Return true for a valid name of an architecture, such as "arm64": 1 to
 * WIRE_HOST_MAX characters, each of which is one of a-z, 0-9 and '_'.
 */
bool wire_host_is_valid(const char *host);

/*
 * BUNDLE: install a toolchain on the node's disk.  Its files arrive in VIEWs of
 * WIRE_PART_TOOLCHAIN and WIRE_PART_TOOLCHAIN_END that have `bundle` in place
 * of a sandbox number.  The paths in these VIEWs, such as "/bin/gcc", begin at
 * the toolchain's directory.  CELL selects an installed toolchain by
 * `installed_id`.
 */
struct wire_bundle {
	/* unique among bundles and sandboxes of the connection */
	uint32_t bundle;
	char *id;
	char *host; /* architecture on which the toolchain's programs run */
	/* digest of all entries, as kfarm-protocol(7) defines it */
	struct digest dir_digest;
	/* ID of the build host's equivalent toolchain; zero for none */
	struct digest equivalent_id;
	char *metadata; /* content of the toolchain's toolchain.json */
};

/* Decoding also returns -EPROTO if `id` or `host` is invalid. */
WIRE_MESSAGE(bundle);

/* TOOLS: request the list of installed toolchains. */
struct wire_tools {
	uint32_t request_id; /* chosen by kfarm; repeated in HELD */
	uint8_t verify; /* 1 to read and hash all files */
};

WIRE_MESSAGE(tools);

enum wire_held_state {
	WIRE_HELD_OK,
	WIRE_HELD_DAMAGED, /* unusable; `detail` names a damaged file */
	WIRE_HELD_IN_USE, /* intact, and used by a sandbox */
};

struct wire_held_one {
	char *id;
	char *host;
	struct digest dir_digest;
	uint8_t state; /* enum wire_held_state */
	char *detail; /* text for the user; may be empty */
};

struct wire_held {
	uint32_t request_id;
	uint8_t last; /* 1 in the last HELD of a reply */
	uint32_t n_toolchains; /* at most WIRE_HELD_MAX */
	struct wire_held_one *toolchains;
};

WIRE_MESSAGE(held);

/* DROP: remove an installed toolchain. */
struct wire_drop {
	uint32_t request_id; /* chosen by kfarm; repeated in DROPPED */
	char *id;
};

WIRE_MESSAGE(drop);

struct wire_dropped {
	uint32_t request_id;
	/* 0 if removed; 1 if refused for the reason in `detail` */
	uint8_t state;
	char *detail;
};

WIRE_MESSAGE(dropped);

struct wire_cell {
	uint32_t cell; /* unique in the connection */
	struct digest toolchain; /* compiler_manifest_id() of the toolchain */
	uint8_t is_clang;
	char *driver; /* absolute path in the sandbox */
	/* the client's directories in the input root; at most WIRE_ROOTS_MAX */
	struct strv client_roots;
	/*
	 * ID of an installed toolchain, which replaces the files that VIEWs of
	 * WIRE_PART_TOOLCHAIN and WIRE_PART_TOOLCHAIN_END would add.  "" means
	 * no installed toolchain.  The encoder accepts NULL in place of "".
	 */
	char *installed_id;
};

/*
 * CELL: create a sandbox for the jobs of one toolchain.  Decoding also returns
 * -EPROTO if wire_path_is_valid() rejects `driver` or a root, or if
 * wire_id_is_valid() rejects an `installed_id` that is not empty.
 */
WIRE_MESSAGE(cell);

enum wire_have_state {
	WIRE_HAVE_READY, /* the toolchain is complete, so jobs can run */
	WIRE_HAVE_REFUSED, /* the sandbox can never become ready */
	WIRE_HAVE_LOST, /* the sandbox was ready, but no longer exists */
};

struct wire_have {
	uint32_t cell;
	uint8_t state; /* enum wire_have_state */
	/*
	 * For a refused or lost sandbox or bundle: the reason, as text for the
	 * user.  For a ready sandbox with an installed toolchain: the
	 * compiler_manifest_id() of this toolchain in hex.  For a ready bundle:
	 * its `dir_digest` in hex.  Otherwise empty.
	 */
	char *detail;
};

WIRE_MESSAGE(have);

enum wire_inode_kind {
	WIRE_INODE_FILE,
	WIRE_INODE_SYMLINK, /* symbolic link */
	WIRE_INODE_DIR,
	WIRE_INODE_ABSENT, /* removal of the path and everything beneath it */
};

/* The file, link or directory at a path. */
struct wire_inode {
	uint8_t kind; /* enum wire_inode_kind */
	uint8_t executable; /* of a file, 0 or 1 */
	uint64_t size; /* of a file, at most WIRE_BLOB_MAX */
	int64_t mtime_ns; /* of a file, ns since 1970 */
	struct digest digest; /* of a file */
	char *target; /* of a link, 1 to WIRE_PATH_MAX bytes; else NULL */
};

WIRE_MESSAGE(inode);

struct wire_entry {
	uint32_t path; /* number assigned by PATHS */
	struct wire_inode inode;
};

enum wire_part {
	WIRE_PART_SOURCES,
	WIRE_PART_TOOLCHAIN, /* more of the toolchain follows */
	WIRE_PART_TOOLCHAIN_END, /* this VIEW completes the toolchain */
};

struct wire_view {
	uint32_t cell;
	uint32_t view; /* 1, 2, ... in each sandbox */
	uint8_t part; /* enum wire_part */
	uint32_t n_entries; /* at most WIRE_VIEW_ENTRIES_MAX */
	struct wire_entry *entries; /* applied in this order */
};

/*
 * Return how many of the first `n` entries fit into one VIEW.  The result is at
 * least 1 if n > 0, so that any list can be sent as several VIEWs.
 */
uint32_t wire_view_count_fitting(const struct wire_entry *entries, size_t n);
/*
 * VIEW: an update of the input root.  Decoding also returns -EPROTO if a path
 * number occurs twice or is not below WIRE_PATHS_TABLE_MAX, if a file exceeds
 * its size limit, or if `view` is 0.  The caller checks that PATHS has assigned
 * the path numbers.
 */
WIRE_MESSAGE(view);

struct wire_need {
	uint32_t cell;
	uint32_t view;
	uint32_t n_indices; /* at most WIRE_VIEW_ENTRIES_MAX */
	uint32_t *indices; /* indices of entries of that VIEW, ascending */
};

/*
 * NEED: the entries of a VIEW whose blobs the node lacks.  Decoding also
 * returns -EPROTO if `view` is 0, or if an index is out of range or not above
 * the previous index.
 */
WIRE_MESSAGE(need);

/*
 * BLOB: a chunk of a file.  The body is the same in all versions, because kfarm
 * packs a blob once for all nodes.
 */
struct wire_blob {
	struct digest digest; /* digest of the whole file */
	uint64_t size; /* bytes of the whole file */
	uint64_t offset; /* offset of this chunk in the file */
	struct bytes data; /* at most WIRE_CHUNK_MAX; borrowed when decoded */
};

/*
 * Decoding also returns -EPROTO if the chunk exceeds the size, or is empty
 * although size > 0.
 */
WIRE_MESSAGE(blob);

enum wire_lang {
	WIRE_LANG_C, /* .c */
	WIRE_LANG_ASM, /* .S */
	WIRE_LANG_PLAIN_ASM, /* .s */
};

/* A range of flags, whose numbers (assigned by FLAGS) start at `first`. */
struct wire_run {
	uint32_t first;
	uint16_t n_flags; /* not 0 */
};

struct wire_job {
	uint32_t job; /* unique in the connection */
	uint32_t cell;
	/* all VIEWs up to this number are applied before the job runs */
	uint32_t view;
	uint8_t lang; /* enum wire_lang */
	/* time from the compiler's start until it is killed */
	uint32_t deadline_ms;
	uint32_t cwd; /* number of a path */
	char *source; /* as spelled on make's command line */
	char *object;
	/*
	 * 1 if the node passes the name `object` to the compiler, because an
	 * output contains this name or the compiler derives the names of side
	 * outputs from it.  Links in the sandbox then redirect the object to
	 * WIRE_JOB_OBJECT, and the `n_sides` side outputs to WIRE_JOB_SIDE
	 * followed by 0, 1 ...
	 */
	uint8_t output_named;
	uint8_t n_sides; /* 0 unless output_named */
	uint16_t n_flag_ranges; /* at most WIRE_FLAGS_MAX */
	/* the flags in the order of the command line */
	struct wire_run *flag_ranges;
	/* NAME=VALUE of the variables that the compiler reads */
	struct strv env;
	/*
	 * since version 13: predicted CPU time in ms on a core of average
	 * speed, by which a relay chooses a member; 0: unknown
	 */
	uint32_t cost_ms;
};

/*
 * Return true if the job is within all limits.  A node ends the session when it
 * receives any other job.
 */
bool wire_job_fits(const struct wire_job *m);
WIRE_MESSAGE(job);

enum wire_step_kind {
	/*
	 * The preprocessed source is the stdin of the tool, whose stdout is the
	 * result.  There is no object.
	 */
	WIRE_STEP_SYMBOLS,
	/* The tool modifies the object in place before the object is sent. */
	WIRE_STEP_OBJECT,
	/*
	 * Since version 11: the preprocessed source is stored in place of the
	 * object, and dtc reads it.  The stdout of dtc is the result; dtc also
	 * lists the files that it read.
	 */
	WIRE_STEP_DEVICETREE,
};

/*
 * STEP, sent before the JOB with the same number: run a tool of the sandbox in
 * addition to the compiler.  The command is `tool args...` for SYMBOLS, `tool
 * args... OBJECT` for OBJECT, and `tool args... -d LIST OBJECT` for DEVICETREE.
 * In LIST, dtc lists the files that it read.
 */
struct wire_step {
	uint32_t job;
	uint8_t kind; /* enum wire_step_kind */
	uint32_t tool; /* number of a path */
	struct strv args; /* without argv[0]; at most WIRE_STEP_ARGS_MAX */
};

/* Like wire_job_fits(), for a step. */
bool wire_step_fits(const struct wire_step *m);
/* Return true if the step has the job's number and its kind suits the job. */
bool wire_step_fits_job(const struct wire_step *m, const struct wire_job *job);
WIRE_MESSAGE(step);

/* Outputs of a compile; RESULT has their lengths in this order. */
enum wire_output {
	WIRE_OUTPUT_OBJECT,
	WIRE_OUTPUT_STDOUT,
	WIRE_OUTPUT_STDERR,
	WIRE_OUTPUT_DEPS, /* the depfile of -MD */
	/*
	 * files that the assembler read (--MD); for WIRE_STEP_DEVICETREE: files
	 * that dtc read
	 */
	WIRE_OUTPUT_AS_DEPS,
	WIRE_OUTPUT_SIDE, /* the first side output; the others follow */
	WIRE_N_OUTPUTS = WIRE_OUTPUT_SIDE +
			 WIRE_SIDES_MAX, /* the number of outputs */
};

/* Return the maximum size of an output in bytes. */
uint32_t wire_output_max(enum wire_output stream);

/*
 * OUTPUT: a chunk of at most WIRE_CHUNK_MAX bytes.  `data` extends to the end
 * of the body and is borrowed when decoded.
 */
struct wire_piece {
	uint32_t job;
	uint8_t stream; /* enum wire_output */
	struct bytes data;
};

WIRE_MESSAGE(piece);

/* The status in a RESULT is that of the tool, not that of the compiler. */
#define WIRE_STATUS_FROM_TOOL (1u << 31)

struct wire_result {
	uint32_t job;
	/* as returned by waitpid(); plus WIRE_STATUS_FROM_TOOL */
	uint32_t wait_status;
	uint32_t cpu_ms;
	uint32_t wall_ms;
	uint32_t peak_kib;
	struct digest toolchain; /* `toolchain` of the job's CELL */
	/* number of side outputs; a side output may be empty */
	uint8_t n_sides;
	/* length of each output, whose bytes the OUTPUT messages contain */
	uint32_t output_bytes[WIRE_N_OUTPUTS];
	struct digest digest; /* wire_result_digest() */
};

WIRE_MESSAGE(result);

/* The value of `retry_ms` in versions before 12, and its maximum. */
#define WIRE_RETRY_MS     1000
#define WIRE_RETRY_MS_MAX 60000

enum wire_fail_class {
	/* option or message that the node does not support */
	WIRE_FAIL_UNSUPPORTED,
	WIRE_FAIL_TOOLCHAIN, /* the sandbox does not exist (any more) */
	WIRE_FAIL_NODE, /* shortage of disk, memory or processes on the node */
	/*
	 * unusable result: an output is too large, or names a private directory
	 * of the node; a side output or the tool's output is missing; the
	 * object is empty; or the tool wrote an unexpected output
	 */
	WIRE_FAIL_VOID,
	WIRE_FAIL_DEADLINE, /* killed at its deadline */
	/* the limit on the jobs of the session or of the node is reached */
	WIRE_FAIL_BUSY,
	/* the compiler requested a file that the input root lacks */
	WIRE_FAIL_INPUT,
};

struct wire_fail {
	uint32_t job;
	uint8_t class; /* enum wire_fail_class */
	/* text for the user; for WIRE_FAIL_INPUT the name of the file */
	char *reason;
	/* for WIRE_FAIL_BUSY: time after which the node accepts a job again */
	uint16_t retry_ms;
};

WIRE_MESSAGE(fail);

/*
 * Compute the job digest, which binds a result to its request.  Both ends
 * compute it and include it in the result's digest.  A result of another job or
 * toolchain, or a truncated or modified result, is thus detected.
 *
 * The input is, in this order:
 *  - the body of STEP, if `tool_step` is not NULL, and the body of JOB, both in
 *    the session's `version` of the protocol, with 0 as the job number;
 *  - `n` (u32) and the `n` flags (name, value), which replace the flag ranges
 *    of JOB; and
 *  - the toolchain's ID.
 */
void wire_job_digest(const struct wire_step *tool_step,
		     const struct wire_job *request,
		     const struct wire_flag *flags, size_t n,
		     const struct digest *toolchain, int version,
		     struct digest *job_digest);

/*
 * Compute the SHA-256 of the concatenation of the job digest and, in the order
 * of enum wire_output, the length (u32) and the bytes of each output.
 */
void wire_result_digest(const struct digest *job_digest,
			const struct bytes streams[static WIRE_N_OUTPUTS],
			struct digest *out);

#define WIRE_CLASSES_MAX 32 /* core classes per machine */
#define WIRE_MACS_MAX    64 /* MAC addresses per machine */
#define WIRE_MODEL_MAX   127 /* bytes of a model name */
#define WIRE_ZONES_MAX   32 /* thermal zones in HEAT */
#define WIRE_ZONE_MAX    31 /* bytes of a zone's name */
#define WIRE_KERNEL_MAX  127 /* bytes of a kernel release */

/* Numbers in HEALTH: the value for an unknown number, then upper limits. */
#define WIRE_HEALTH_UNKNOWN     0xffffffffu
#define WIRE_HEALTH_FOREIGN_MAX 1000000 /* thousandths of a core */
#define WIRE_HEALTH_TEMP_MAX    1000000 /* thousandths of a kelvin */
/* 0 degrees Celsius in thousandths of a kelvin */
#define WIRE_ZERO_CELSIUS_MK 273150
#define WIRE_HEALTH_PSI_MAX  10000 /* hundredths of a percent */
#define WIRE_HEALTH_CPUS_MAX 65535

/*
 * HEALTH, sent with each BEAT since version 7: the state of the machine.  Each
 * number can be WIRE_HEALTH_UNKNOWN.
 */
struct wire_health {
	/* thousandths of a core used by processes other than kfarmd's jobs */
	uint32_t foreign_milli;
	/* temperature of the hottest sensor in thousandths of a kelvin */
	uint32_t temperature_mk;
	/*
	 * clock limit, in thousandths of the maximum clock, of the CPUs that
	 * are throttled most; 1000 means that no CPU is throttled
	 */
	uint32_t speed_milli;
	/* Since version 8: */
	uint32_t n_usable; /* CPUs on which jobs can run now */
	uint32_t n_throttled; /* usable CPUs whose clock is limited */
	/*
	 * state of the CPU cooling device that throttles most: 0 is idle, 1000
	 * is its maximum
	 */
	uint32_t cooling_milli;
	/*
	 * Pressure stall information: share of the last ten seconds in which
	 * some task (full: every task) waited for the resource, in hundredths
	 * of a percent.
	 */
	uint32_t psi_cpu, psi_memory, psi_memory_full, psi_io;
	uint32_t swap_mib; /* swap in use */
	uint32_t store_mib; /* free space of the store's file system */
};

WIRE_MESSAGE(health);
/* A struct with all fields unknown. */
extern const struct wire_health wire_health_unknown;

/*
 * A class of CPUs with equal properties.  A CPU is what Linux schedules on,
 * such as one thread of a core.
 */
struct wire_core_class {
	char *model; /* such as "Cortex-A72"; "" if unknown */
	char *governor; /* clock governor; "" if unknown */
	uint16_t n_cpus; /* at least 1 */
	uint16_t n_usable; /* CPUs of the class on which jobs can run */
	/* CPUs per core: 1, or more with SMT; not 0 */
	uint16_t threads_per_core;
	/* the scheduler's CPU capacity, at most 1024; 0 if unknown */
	uint16_t capacity;
	uint32_t max_khz; /* 0 if unknown */
};

struct wire_mac {
	uint64_t mac; /* 48 bits; bits 40 to 47 are the first byte */
};

struct wire_machine {
	char *model; /* of the board or machine; "" if unknown */
	char *kernel; /* uname -r */
	/*
	 * SHA-256 of "kfarm" followed by the machine ID (machine-id(5)); zero
	 * if the machine has no valid ID
	 */
	struct digest machine_id;
	uint64_t clock_ms; /* the node's clock, ms since 1970 */
	/*
	 * architectures of the programs that the node runs, the native
	 * architecture first; each is accepted by wire_host_is_valid()
	 */
	struct strv abis;
	uint8_t n_classes;
	struct wire_core_class *classes; /* strongest class first */
	uint8_t n_macs;
	/* addresses of the network cards, ascending and unique */
	struct wire_mac *macs;
	uint32_t cpu_milli; /* CPU quota in thousandths of a core; 0 for none */
	uint32_t memory_mib; /* physical memory */
	uint32_t limit_mib; /* memory limit of kfarmd; 0 for none */
	uint32_t swap_mib;
	uint32_t store_mib; /* size of the store's file system */
	/*
	 * temperature at which passive cooling starts, in thousandths of a
	 * kelvin, or WIRE_HEALTH_UNKNOWN
	 */
	uint32_t passive_mk;
	uint16_t n_toolchains; /* number of installed toolchains */
	struct wire_health health;
};

WIRE_MESSAGE(machine);

/*
 * PIN, since version 9, sent directly before the JOB with the same number: run
 * this job only on CPUs of one class.
 */
struct wire_pin {
	uint32_t job;
	uint8_t class; /* index in the classes of MACHINE */
};

WIRE_MESSAGE(pin);

#define WIRE_WEIGHT_MAX 100

/*
 * WEIGHT, since version 12.  The node's owner grants each client a share of the
 * node; `percent` is the part of this share that the session claims while
 * sessions compete.  Without WEIGHT, percent is WIRE_WEIGHT_MAX.  Decoding also
 * returns -EPROTO if percent is 0.
 */
struct wire_weight {
	uint8_t percent;
};

WIRE_MESSAGE(weight);

#define WIRE_LEASE_UNLIMITED UINT16_MAX

/*
 * LEASE, since version 12: the number of jobs that the session may have on the
 * node, running or queued, until the next LEASE.  The initial number is
 * WIRE_LEASE_UNLIMITED: the session may use all slots.  Decoding also returns
 * -EPROTO if n_slots is 0.
 */
struct wire_lease {
	uint16_t n_slots;
};

WIRE_MESSAGE(lease);

#define WIRE_RELAY_KEYS_MAX    1024 /* keys in a RELAY */
#define WIRE_RELAY_MEMBERS_MAX 256 /* members in a RELAY */

/*
 * Return true for a valid name of a node behind a relay, such as "rack/board1".
 * The name has 1 to WIRE_NAME_MAX bytes and consists of components that are
 * separated by slashes.  A component consists of letters, digits and "._-", and
 * does not begin with a dash or a dot.
 */
bool wire_member_is_valid(const char *member);

struct wire_relay_key {
	struct digest fingerprint;
};

/*
 * RELAY, since version 13: the sender is a relay, which passes jobs on to its
 * members.  Decoding also returns -EPROTO if a fingerprint is zero or not above
 * the previous one.
 */
struct wire_relay {
	uint16_t n_keys; /* at most WIRE_RELAY_KEYS_MAX */
	/*
	 * keys of this relay, of its members and of all nodes behind them, in
	 * ascending order
	 */
	struct wire_relay_key *keys;
	/*
	 * Names of the members that are usable now.  An EXCLUDE does not remove
	 * a member from the list.  If the member RELAY is a relay, the list has
	 * a name RELAY/MEMBER for each usable member of RELAY.
	 */
	struct strv members;
};

WIRE_MESSAGE(relay);

/*
 * VIA, since version 13, sent before the RESULT or FAIL with the same job
 * number: the member of the relay that executed the job.
 */
struct wire_via {
	uint32_t job;
	char *member; /* as in RELAY */
};

WIRE_MESSAGE(via);

/*
 * EXCLUDE, since version 13, to a relay: run no more jobs of this session on
 * `member`, and move this session's jobs from `member` to other members.
 */
struct wire_exclude {
	char *member; /* as in RELAY */
};

WIRE_MESSAGE(exclude);

/*
 * NEIGHBOR, since version 13: another node of the receiver's site.  Until the
 * end of the session, the other node may get blobs from the receiver, and FETCH
 * can name the other node.
 */
struct wire_neighbor {
	uint32_t number; /* unique in the session */
	char *address; /* HOST:PORT, with an IPv6 address in brackets */
	struct digest fingerprint; /* of its key */
};

WIRE_MESSAGE(neighbor);

/*
 * FETCH, since version 13: get from a neighbor a blob that a NEED has
 * requested.  If the transfer fails, send another NEED for the blob.
 */
struct wire_fetch {
	uint32_t neighbor; /* number in NEIGHBOR */
	struct digest digest;
	uint64_t size;
};

WIRE_MESSAGE(fetch);

/* GET, since version 13, between neighbors: send this blob. */
struct wire_get {
	struct digest digest;
	uint64_t size;
};

WIRE_MESSAGE(get);

/* GONE, since version 13: the reply to a GET for a blob that is missing. */
struct wire_gone {
	struct digest digest;
};

WIRE_MESSAGE(gone);

/* Each number can be WIRE_HEALTH_UNKNOWN. */
struct wire_heat_class {
	uint32_t speed_milli; /* as in HEALTH, for this class */
	uint32_t n_throttled; /* CPUs of the class whose clock is limited */
};

struct wire_heat_zone {
	char *name; /* such as "soc-thermal" */
	uint32_t temperature_mk; /* thousandths of a kelvin, always known */
};

struct wire_heat {
	uint8_t n_classes; /* same number as in MACHINE */
	struct wire_heat_class *classes;
	uint8_t n_zones; /* zones that can be read now */
	struct wire_heat_zone *zones;
};

WIRE_MESSAGE(heat);

#endif
