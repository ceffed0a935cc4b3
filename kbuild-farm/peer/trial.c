/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/trial.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/str.h"
#include "inputs/reference.h"
#include "node/identity.h"
#include "node/limits.h"
#include "peer/trial-heat.h"
#include "peer/trial-stage.h"
#include "peer/trial-work.h"
#include "store/packed.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS    200
#define GOODBYE_MS 400
#define THREADS    2

void peer_trial_node_init(struct peer_trial_node *n,
			  const struct node_entry *entry)
{
	*n = (struct peer_trial_node){ .entry = entry,
				       .hottest_mk = WIRE_HEALTH_UNKNOWN,
				       .slowest_milli = WIRE_HEALTH_UNKNOWN };
}

void peer_trial_node_release(struct peer_trial_node *n)
{
	free(n->why);
	free(n->software);
	free(n->layers);
	free(n->machine);
	free(n->boot_id);
	free(n->macs);
	free(n->clash);
	free(n->lacks);
	free(n->classes);
	free(n->canary.first);
	free(n->answer.first);
	free(n->burn.first);
	free(n->lost_why);
	for (unsigned i = 0; i < n->n_classes; i++) {
		free(n->class[i].name);
		free(n->class[i].burn.first);
	}
	for (unsigned i = 0; i < n->n_zones; i++)
		free(n->zone[i].name);
	free(n->class);
	free(n->zone);
	*n = (struct peer_trial_node){ .entry = n->entry };
}

unsigned peer_trial_classes(const struct peer_trial_node *n)
{
	unsigned tried = 0;

	for (unsigned i = 0; i < n->n_classes; i++)
		tried += n->class[i].cpus != 0;
	return tried;
}

/* ------------------------------------------------------- what nodes tell */

static void replace_text(char **at, const char *text)
{
	free(*at);
	*at = text ? xstrdup(text) : NULL;
}

static void on_wake(void *ctx)
{
	struct trial *t = ctx;

	event_active(t->kick, EV_TIMEOUT, 0);
}

/* The CPUs that jobs may run on, a class after the other. */
static char *words_of_classes(const struct wire_machine *m)
{
	struct strv words = { 0 };
	char *text;

	for (size_t i = 0; i < m->n_classes; i++) {
		const struct wire_core_class *c = &m->classes[i];
		const char *model = *c->model ? c->model : "CPU";

		if (c->usable && c->max_khz)
			strv_addf(&words, "%u %s at %u MHz", c->usable, model,
				  c->max_khz / 1000);
		else if (c->usable)
			strv_addf(&words, "%u %s", c->usable, model);
	}
	text = words.n ? strv_join(&words, ", ") : NULL;
	strv_release(&words);
	return text;
}

static void take_machine(struct peer_trial_node *is,
			 const struct wire_machine *m)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	free(is->classes);
	is->classes = words_of_classes(m);
	is->machine_id = m->id;
	free(is->macs);
	is->n_macs = m->n_macs;
	is->macs = xcalloc(m->n_macs + 1, sizeof(*is->macs));
	for (size_t i = 0; i < m->n_macs; i++)
		is->macs[i] = m->macs[i];
	is->has_clock = m->clock_ms != 0;
	is->clock_ms = (int64_t)m->clock_ms - (int64_t)now.tv_sec * 1000 -
		       now.tv_nsec / 1000000;
	is->has_free = m->model && m->health.store_mib != WIRE_HEALTH_UNKNOWN;
	is->free_mib = m->health.store_mib;
}

/* Of a node that is UP or UNFIT. */
static void take_greeting(struct trial_node *n)
{
	struct peer_trial_node *is = n->is;
	const struct wire_inventory *inv;
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	inv = figures.inventory;
	if (is->boot_id && !str_equal(is->boot_id, inv->boot_id))
		is->restarts++;
	replace_text(&is->boot_id, inv->boot_id);
	trial_heat_classes(n, &figures);
	if (is->up)
		return;
	is->up = true;
	is->rtt_ms = (unsigned)(clock_ms() - n->dialled_ms);
	is->cores = inv->cores;
	is->slots = peer_slots(n->peer);
	replace_text(&is->software, figures.software);
	replace_text(&is->machine, inv->machine);
	take_machine(is, figures.machine);
	replace_text(&is->layers, figures.layers);
}

static void on_node_lost(struct trial_node *n, const char *why)
{
	trial_work_drop(n, false);
	if (n->trial->measuring == n)
		n->trial->measuring = NULL;
	if (n->stage == PEER_TRIAL_BURN) {
		n->is->lost += n->is->has && !n->redial_ms;
		replace_text(&n->is->lost_why, why);
		n->redial_ms = clock_ms();
		return;
	}
	/* One that came up and then went is not up. */
	n->is->up = n->is->fit = false;
	replace_text(&n->is->why, why);
	trial_stage_enter(n, PEER_TRIAL_OVER);
}

static void on_state(void *ctx, enum peer_state state, const char *why)
{
	struct trial_node *n = ctx;

	if (state == PEER_UP || state == PEER_UNFIT)
		take_greeting(n);
	if (state == PEER_UP && n->stage == PEER_TRIAL_GREET) {
		n->is->fit = true;
		trial_stage_enter(n, PEER_TRIAL_LINK);
	} else if (state == PEER_UNFIT) {
		replace_text(&n->is->why, why);
		trial_stage_enter(n, PEER_TRIAL_OVER);
	} else if (state == PEER_DOWN || state == PEER_STRANGE) {
		n->is->is_strange = state == PEER_STRANGE;
		on_node_lost(n, why);
	}
}

static void on_probed(void *ctx, enum peer_probed is, const char *why)
{
	struct trial_node *n = ctx;
	struct peer_trial_count *c = &n->is->answer;

	if (!n->probing)
		return;
	c->right += is == PEER_PROBED_RIGHT;
	c->wrong += is == PEER_PROBED_WRONG;
	c->failed += is == PEER_PROBED_FAILED;
	if (is != PEER_PROBED_RIGHT)
		trial_work_note(n, c, NULL, why);
	peer_farm_wake(&n->trial->farm);
}

static void on_measured(void *ctx, uint64_t us)
{
	struct trial_node *n = ctx;
	uint64_t bytes = n->measured ? TRIAL_LARGE_BYTES : TRIAL_SMALL_BYTES;

	n->measuring = false;
	n->measured++;
	if (us) {
		n->is->link = PEER_LINK_MEASURED;
		n->is->link_bits = bytes * 8 * 1000000 / us;
	}
	peer_farm_wake(&n->trial->farm);
}

static void on_load(void *ctx)
{
	struct trial_node *n = ctx;
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	trial_heat_note(n, &figures, clock_ms());
}

static void on_answered(void *ctx, uint32_t job, struct peer_answer *answer)
{
	trial_work_answered(ctx, job, answer);
}

static void on_failed(void *ctx, uint32_t job, enum wire_fail_class class,
		      const char *why)
{
	trial_work_failed(ctx, job, class, why);
}

/* What the compiler's files did: the jobs of that cell were cancelled. */
static void on_spoiled(void *ctx, struct inputs_toolchain *tc)
{
	(void)tc;
	trial_work_drop(ctx, false);
}

static void on_busy(void *ctx, unsigned n)
{
	(void)ctx;
	(void)n;
}

static void on_has(void *ctx, struct inputs_toolchain *tc, enum peer_has has)
{
	const struct trial_node *n = ctx;

	(void)tc;
	(void)has;
	peer_farm_wake(&n->trial->farm);
}

static void on_worn(void *ctx)
{
	(void)ctx;
}

static void on_event(void *ctx, const struct inputs_toolchain *tc,
		     const char *reason)
{
	(void)ctx;
	(void)tc;
	(void)reason;
}

static void on_beat(void *ctx, uint32_t job, uint32_t cpu_ms)
{
	(void)ctx;
	(void)job;
	(void)cpu_ms;
}

static void on_output(void *ctx, uint32_t job)
{
	(void)ctx;
	(void)job;
}

static const struct peer_ops trial_ops = {
	.wake = on_wake,
	.state = on_state,
	.busy = on_busy,
	.has = on_has,
	.spoiled = on_spoiled,
	.worn = on_worn,
	.event = on_event,
	.probed = on_probed,
	.measured = on_measured,
	.load = on_load,
	.beat = on_beat,
	.output = on_output,
	.answered = on_answered,
	.failed = on_failed,
};

/* ------------------------------------------------------------ the loop */

static void step_trial(struct trial *t)
{
	trial_stage_step(t, clock_ms());
	if (trial_stage_is_over(t))
		event_base_loopbreak(t->farm.base);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	step_trial(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct trial *t = arg;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	if (t->is->cancel && atomic_load(t->is->cancel)) {
		t->is->cancelled = true;
		event_base_loopbreak(t->farm.base);
		return;
	}
	if (t->tc)
		inputs_reference_check_all(t->tc);
	for (size_t i = 0; i < t->n; i++)
		peer_tick(t->nodes[i].peer, now);
	step_trial(t);
	if (t->is->progress)
		t->is->progress(t->is->ctx);
}

static void on_toolchain(void *ctx, struct inputs_toolchain *tc,
			 enum inputs_known was)
{
	struct trial *t = ctx;
	struct options_command command;
	char *argv[] = { tc->driver, (char *)"-c", (char *)"x.c", NULL };

	if (was != INPUTS_UNKNOWN)
		return;
	if (tc->state == INPUTS_READY) {
		options_command_parse(&command, argv);
		t->reference = inputs_reference_get(tc, &command);
		options_command_release(&command);
	} else {
		t->is->compiler_why = xstrdup(tc->err.text);
	}
	event_active(t->kick, EV_TIMEOUT, 0);
}

static void on_reference(void *ctx, struct inputs_reference *ref)
{
	struct trial *t = ctx;

	(void)ref;
	event_active(t->kick, EV_TIMEOUT, 0);
}

/* ----------------------------------------------------------- from to end */

static struct event *make_trial_event(struct trial *t, short what,
				      event_callback_fn fn)
{
	struct event *ev = event_new(t->farm.base, -1, what, fn, t);

	if (!ev)
		str_out_of_memory();
	return ev;
}

static void make_trial_farm(struct trial *t)
{
	struct peer_farm *farm = &t->farm;

	t->codec = WIRE_ZSTD;
	*farm = (struct peer_farm){
		.base = farm->base,
		.children = children_new(farm->base),
		.pool = pool_new(farm->base, THREADS),
		.packed = peer_ship_store(&t->codec),
		.paths = inputs_paths_new(),
		.work = t->is->work,
		.canary_db = t->is->canary_db,
		.data = t->is->data,
		.ops = &trial_ops,
		.ctx = t,
	};
	TAILQ_INIT(&farm->canaries);
	t->toolchains = (struct inputs_toolchains){
		.base = farm->base,
		.children = farm->children,
		.paths = farm->paths,
		.work = t->is->work,
		.changed = on_toolchain,
		.made = on_reference,
		.ctx = t,
	};
	inputs_toolchains_init(&t->toolchains);
}

static void start_trial(struct trial *t)
{
	static const struct timeval tick = { .tv_usec = TICK_MS * 1000 };

	t->kick = make_trial_event(t, 0, on_kick);
	t->tick = make_trial_event(t, EV_PERSIST, on_tick);
	event_add(t->tick, &tick);
	make_trial_farm(t);
	t->tc = inputs_toolchain_get(&t->toolchains, t->is->driver, t->is->env);
	t->n = t->is->n;
	t->nodes = xcalloc(t->n + 1, sizeof(*t->nodes));
	t->is->stage = xcalloc(t->n + 1, sizeof(*t->is->stage));
	for (size_t i = 0; i < t->n; i++) {
		struct trial_node *n = &t->nodes[i];

		n->trial = t;
		n->is = &t->is->nodes[i];
		n->dialled_ms = clock_ms();
		n->peer = peer_new(&t->farm, n->is->entry, n);
	}
	for (size_t i = 0; i < t->n; i++)
		peer_dial(t->nodes[i].peer);
	event_active(t->kick, EV_TIMEOUT, 0);
}

static void end_trial(struct trial *t)
{
	for (size_t i = 0; i < t->n; i++) {
		trial_work_drop(&t->nodes[i], true);
		peer_free(t->nodes[i].peer);
		free(t->nodes[i].jobs);
	}
	pool_free(t->farm.pool);
	peer_canary_free_all(&t->farm);
	inputs_toolchains_release(&t->toolchains);
	children_wait(t->farm.children, GOODBYE_MS);
	children_free(t->farm.children);
	store_packed_free(t->farm.packed);
	inputs_paths_free(t->farm.paths);
	peer_farm_release(&t->farm);
	event_free(t->kick);
	event_free(t->tick);
	free(t->nodes);
	free(t->is->stage);
	t->is->stage = NULL;
}

/* Those that are up, held against each other. */
static void find_clashes(struct peer_trial *trial)
{
	struct node_identity *v = xcalloc(trial->n + 1, sizeof(*v));
	struct wire_machine *m = xcalloc(trial->n + 1, sizeof(*m));
	size_t *index = xcalloc(trial->n + 1, sizeof(*index)), up = 0;

	for (size_t i = 0; i < trial->n; i++) {
		const struct peer_trial_node *is = &trial->nodes[i];

		if (!is->up)
			continue;
		m[up] = (struct wire_machine){ .id = is->machine_id,
					       .n_macs = is->n_macs,
					       .macs = is->macs };
		v[up] = (struct node_identity){ .name = is->entry->name,
						.key = &is->entry->pin,
						.boot_id = is->boot_id,
						.machine = &m[up] };
		index[up++] = i;
	}
	for (size_t i = 0; i < up; i++) {
		struct peer_trial_node *is = &trial->nodes[index[i]];

		is->clash = node_identity_among(v, up, i, &is->barred);
	}
	free(index);
	free(m);
	free(v);
}

int peer_trial_run(struct peer_trial *trial, struct err *err)
{
	struct trial t = { .is = trial };

	t.farm.base = event_base_new();
	if (!t.farm.base)
		return err_set(err, ENOMEM, "no event loop");
	start_trial(&t);
	if (t.n)
		event_base_dispatch(t.farm.base);
	end_trial(&t);
	event_base_free(t.farm.base);
	find_clashes(trial);
	return 0;
}
