/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg-machine.h - what a node says of its machine (MACHINE) and of how
 * that does (HEALTH, HEAT), and the CPUs that a job is for (PIN); wire/msg.h
 * says what WIRE_MESSAGE() declares.
 *
 * MACHINE comes once, right behind FIT, in conversations that have it: from
 * version 8 on.  HEALTH comes with each beat from version 7 on, and is longer
 * from version 8 on.  PIN, and HEAT with each beat while there are jobs that
 * came with one, are there from version 9 on.  Where all of it comes from is in
 * node/machine.h and node/health.h.
 */
#ifndef WIRE_MSG_MACHINE_H
#define WIRE_MSG_MACHINE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"
#include "wire/field.h"

#define WIRE_WITH_HEALTH  7
#define WIRE_WITH_MACHINE 8
#define WIRE_WITH_PIN     9

#define WIRE_CLASSES    32 /* classes of cores of a machine */
#define WIRE_MACS       64 /* MAC addresses of one */
#define WIRE_MODEL_MAX  127 /* bytes of a model's name */
#define WIRE_ZONES      32 /* thermal zones in HEAT */
#define WIRE_ZONE_MAX   31 /* bytes of the name of one */
#define WIRE_KERNEL_MAX 127 /* of a kernel's release */

/* What the machine does not tell; bounds. */
#define WIRE_HEALTH_UNKNOWN 0xffffffffu
#define WIRE_HEALTH_FOREIGN 1000000 /* thousandths of a core */
#define WIRE_HEALTH_HEAT    1000000 /* thousandths of a kelvin */
#define WIRE_HEALTH_ZERO    273150 /* of these: 0 degrees Celsius */
#define WIRE_HEALTH_PSI     10000 /* hundredths of a percent */
#define WIRE_HEALTH_CPUS    65535

/* Each number: or WIRE_HEALTH_UNKNOWN. */
struct wire_health {
	uint32_t foreign_milli; /* cores that others keep busy */
	uint32_t temperature_mk; /* of the hottest sensor, thousandths of a
				    kelvin */
	uint32_t speed_milli; /* the clock that the slowest cores may have, of
				 their full one: 1000, not throttled */
	/* From version 8 on: */
	uint32_t usable; /* CPUs that jobs may run on now */
	uint32_t throttled; /* of these, those below their full clock */
	uint32_t cooling_milli; /* how far that cooling device of a CPU is
				   which slows most: 0 not, 1000 as it can */
	/* Of the last ten seconds, the part in which a task (full: all of them)
	   waited for it, in hundredths of a percent. */
	uint32_t psi_cpu, psi_memory, psi_memory_full, psi_io;
	uint32_t swap_mib; /* in use */
	uint32_t store_mib; /* free where the store is */
};

void wire_health_encode(struct buf *out, const struct wire_health *m,
			int version);
/* 0 or -EPROTO; what the version has not is unknown. */
int wire_health_decode(struct wire_health *m, struct bytes in, int version);
/* All of it unknown. */
extern const struct wire_health wire_health_unknown;

/* CPUs (what Linux schedules on) that are alike in all that follows. */
struct wire_core_class {
	char *model; /* "Cortex-A72", "" where nobody knows */
	char *governor; /* of its clock; "" */
	uint16_t cpus; /* at least 1 */
	uint16_t usable; /* of these, those that jobs may run on */
	uint16_t threads; /* CPUs that share a core of it: 1, or SMT; not 0 */
	uint16_t capacity; /* as the scheduler sees it, of 1024; 0 unknown */
	uint32_t max_khz; /* 0 unknown */
};

struct wire_mac {
	uint64_t mac; /* 48 bits, as it is written */
};

struct wire_machine {
	char *model; /* of the board or the machine; "" */
	char *kernel; /* uname -r */
	/* SHA-256 of "kfarm" and /etc/machine-id; zero where it has none. */
	struct digest id;
	uint64_t clock_ms; /* since 1970, as it believes */
	struct strv abis; /* wire_host_ok(); what it runs, its own first */
	uint8_t n_classes; /* the strongest first */
	struct wire_core_class *classes;
	uint8_t n_macs; /* of its network cards, ascending, none twice */
	struct wire_mac *macs;
	uint32_t cpu_milli; /* quota in thousandths of a core; 0 none */
	uint32_t memory_mib; /* that it has */
	uint32_t limit_mib; /* that kfarmd may use of it; 0: all */
	uint32_t swap_mib;
	uint32_t store_mib; /* of the file system of its store */
	uint32_t passive_mk; /* where cooling begins to slow it; or unknown */
	uint16_t toolchains; /* that it keeps */
	struct wire_health health;
};

WIRE_MESSAGE(machine);

/* The job that comes next runs on the CPUs of one class alone. */
struct wire_pin {
	uint32_t job;
	uint8_t class; /* in MACHINE's list, from 0 on */
};

WIRE_MESSAGE(pin);

/* Each number: or WIRE_HEALTH_UNKNOWN. */
struct wire_heat_class {
	uint32_t speed_milli; /* as in HEALTH, of this class */
	uint32_t throttled; /* CPUs of it below their full clock */
};

struct wire_heat_zone {
	char *name; /* "soc-thermal" */
	uint32_t temperature_mk; /* thousandths of a kelvin, never unknown */
};

struct wire_heat {
	uint8_t n_classes; /* as many as in MACHINE */
	struct wire_heat_class *classes;
	uint8_t n_zones; /* that can be read now */
	struct wire_heat_zone *zones;
};

WIRE_MESSAGE(heat);

#endif
