/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/simulate-state.h"

#include "base/version.h"

#include <stdio.h>
#include <string.h>

#define TREE "/home/build/linux"
/* Of simulate.c's script: before its jobs, between them and those of modules,
   and behind. */
#define HEAD_MS         3000
#define LINK_MS         8500
#define TAIL_MS         4000
#define ESTIMATE_POINTS 20

void simulate_file(char out[static 96], int64_t number)
{
	static const char *const dirs[] = {
		"arch/arm64/kernel",
		"arch/arm64/mm",
		"block",
		"crypto",
		"drivers/base",
		"drivers/clk/rockchip",
		"drivers/gpu/drm",
		"drivers/gpu/drm/panfrost",
		"drivers/i2c/busses",
		"drivers/mmc/host",
		"drivers/net/ethernet/stmicro/stmmac",
		"drivers/net/wireless/broadcom/brcm80211/brcmfmac",
		"drivers/pci/controller",
		"drivers/usb/dwc3",
		"fs/btrfs",
		"fs/ext4",
		"fs/nfs",
		"kernel",
		"kernel/sched",
		"lib",
		"mm",
		"net/core",
		"net/ipv4",
		"sound/soc/rockchip",
	};
	static const char *const words[] = {
		"core",  "main",  "ioctl",   "super", "inode", "dma",
		"power", "debug", "devices", "init",  "util",  "trace",
		"sysfs", "queue", "timer",   "irq",   "phy",
	};
	const unsigned n_dirs = sizeof(dirs) / sizeof(*dirs);
	const unsigned n_words = sizeof(words) / sizeof(*words);
	/* Neighbours are in one directory, as make comes by them. */
	uint64_t n = (uint64_t)number, of = n / n_words / n_dirs;
	const char *dir = dirs[n / n_words % n_dirs],
		   *word = words[n % n_words];

	if (of)
		snprintf(out, 96, "%s/%s%llu.c", dir, word,
			 (unsigned long long)of);
	else
		snprintf(out, 96, "%s/%s.c", dir, word);
}

static void tell_simulated(const struct simulate_teller *t,
			   struct events_event *ev)
{
	ev->at_ms = t->at_ms;
	t->told(t->ctx, ev);
}

void simulate_tell_begin(const struct simulate_teller *t, unsigned jobs,
			 unsigned local_slots)
{
	struct events_event ev = events_new(EVENTS_STREAM);

	ev.version = EVENTS_VERSION;
	ev.program = "kfarm " KFARM_VERSION;
	ev.pid = 1;
	tell_simulated(t, &ev);
	ev = events_new(EVENTS_BUILD);
	ev.what = "Image modules dtbs";
	ev.arch = "arm64";
	ev.toolchain = "gcc-13.3.0";
	ev.tree = TREE;
	ev.dir = "/home/build/.cache/kfarm/build/linux-arm64-defconfig";
	ev.output = "/home/build/.cache/kfarm/builds/7";
	ev.jobs = jobs;
	ev.local_slots = local_slots;
	tell_simulated(t, &ev);
}

static void tell_point(const struct simulate_teller *t, struct events_event *ev,
		       uint64_t jobs, uint64_t mean_ms, uint64_t wall_ms)
{
	ev->total = (int64_t)jobs;
	ev->cost_ms = (int64_t)(jobs * mean_ms);
	ev->wall_ms = (int64_t)wall_ms;
	tell_simulated(t, ev);
}

void simulate_tell_estimate(const struct simulate_teller *t,
			    const struct simulate_estimate *e)
{
	struct events_event ev = events_new(EVENTS_ESTIMATE);
	uint64_t first = e->jobs - e->more, wall = HEAD_MS;

	ev.jobs = e->make_jobs;
	for (unsigned i = 1; i <= ESTIMATE_POINTS; i++) {
		uint64_t jobs = first * i / ESTIMATE_POINTS;

		tell_point(t, &ev, jobs, e->mean_ms,
			   wall + jobs * 1000 / e->rate);
	}
	wall += e->jobs * 1000 / e->rate + LINK_MS;
	tell_point(t, &ev, e->jobs - 1, e->mean_ms, wall);
	tell_point(t, &ev, e->jobs, e->mean_ms, wall + TAIL_MS);
}

void simulate_tell_text(const struct simulate_teller *t, enum events_kind kind,
			const char *text)
{
	struct events_event ev = events_new(kind);

	ev.text = text;
	tell_simulated(t, &ev);
}

void simulate_tell_node(const struct simulate_teller *t,
			const struct simulate_node *n)
{
	struct events_event ev = events_new(EVENTS_NODE);

	ev.node = n->name;
	ev.text = n->state;
	ev.reason = n->reason;
	if (n->greeted) {
		ev.machine = n->machine;
		ev.slots = n->slots;
		ev.cores = n->cores;
		ev.memory = (int64_t)n->cores << 30;
	}
	tell_simulated(t, &ev);
}

void simulate_tell_cell(const struct simulate_teller *t,
			const struct simulate_node *n, const char *state)
{
	struct events_event ev = events_new(EVENTS_CELL);

	ev.node = n->name;
	ev.toolchain = "/opt/gcc-13.3.0/bin/aarch64-linux-gcc";
	ev.text = state;
	tell_simulated(t, &ev);
}

void simulate_tell_load(const struct simulate_teller *t,
			const struct simulate_node *n)
{
	struct events_event ev = events_new(EVENTS_LOAD);

	ev.node = n->name;
	ev.running = n->jobs;
	ev.jobs_done = n->done;
	ev.failed = n->failed;
	ev.retries = n->retries;
	ev.cpu_ms = (int64_t)n->cpu_ms;
	ev.sent = (int64_t)n->sent;
	ev.received = (int64_t)n->received;
	ev.load = n->load;
	ev.memory = ((int64_t)n->cores << 30) - ((int64_t)n->jobs << 27);
	ev.foreign = n->foreign;
	ev.celsius = n->heat;
	ev.speed = n->clock;
	tell_simulated(t, &ev);
}

void simulate_tell_job(const struct simulate_teller *t,
		       const struct simulate_job *job,
		       const struct simulate_node *n)
{
	struct events_event ev = events_new(EVENTS_JOB);
	char file[96], object[96];
	bool done = job->state == EVENTS_JOB_DONE;

	simulate_file(file, job->number);
	ev.job = job->number;
	ev.state = job->state;
	ev.file = file;
	if (job->state == EVENTS_QUEUED) {
		snprintf(object, sizeof(object), "%s", file);
		object[strlen(object) - 1] = 'o';
		ev.object = object;
		if (job->known)
			ev.cost_ms = job->took_ms;
	} else {
		ev.node = n ? n->name : job->reason ? EVENTS_LOCAL : NULL;
		ev.reason = job->reason;
	}
	ev.remote = done && n;
	ev.retries = done ? job->retries : 0;
	if (done && n)
		ev.cpu_ms = job->took_ms;
	tell_simulated(t, &ev);
}

void simulate_tell_warning(const struct simulate_teller *t, int64_t number)
{
	struct events_event ev = events_new(EVENTS_DIAG);
	char file[96], text[512];

	simulate_file(file, number);
	snprintf(
		text, sizeof(text),
		"%s: In function 'probe':\n"
		"%s:%u:13: warning: unused variable 'ret' [-Wunused-variable]\n"
		"  %u |         int ret = 0;\n"
		"      |             ^~~",
		file, file, 100 + (unsigned)(number % 800),
		100 + (unsigned)(number % 800));
	ev.severity = EVENTS_WARNING;
	ev.text = text;
	ev.warnings = 1;
	tell_simulated(t, &ev);
}

void simulate_tell_error(const struct simulate_teller *t, int64_t number)
{
	struct events_event ev = events_new(EVENTS_DIAG);
	char file[96], text[512];

	simulate_file(file, number);
	snprintf(text, sizeof(text),
		 "%s:42:9: error: implicit declaration of function 'frobnicate'"
		 " [-Werror=implicit-function-declaration]\n"
		 "   42 |         frobnicate(dev);\n"
		 "      |         ^~~~~~~~~~\n"
		 "make[3]: *** [scripts/Makefile.build:243: %.*s.o] Error 1",
		 file, (int)strlen(file) - 2, file);
	ev.severity = EVENTS_ERROR;
	ev.text = text;
	ev.errors = 1;
	tell_simulated(t, &ev);
}

void simulate_tell_done(const struct simulate_teller *t, int status,
			uint64_t remote, uint64_t local)
{
	struct events_event ev = events_new(EVENTS_DONE);

	ev.status = status;
	ev.remote_n = (int64_t)remote;
	ev.local = (int64_t)local;
	tell_simulated(t, &ev);
}
