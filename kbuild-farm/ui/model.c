/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/model.h"

#include "base/list.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

static void set_text(char **at, const char *text)
{
	free(*at);
	*at = events_totals_sanitize(text, EVENTS_NAME_MAX, 0);
}

static void set_text_or_none(char **at, const char *text)
{
	free(*at);
	*at = text ? events_totals_sanitize(text, EVENTS_NAME_MAX, 0) : NULL;
}

/* ---- throughput ---- */

static void advance_to_second(struct ui_model *m, uint64_t second)
{
	uint64_t step = second > m->current_second ?
				second - m->current_second :
				0;

	if (step > UI_SECONDS)
		step = UI_SECONDS + 1;
	for (uint64_t i = 0; i < step; i++)
		memset(&m->seconds[(second - i) % (UI_SECONDS + 1)], 0,
		       sizeof(m->seconds[0]));
	if (second > m->current_second)
		m->current_second = second;
}

static size_t index_now(const struct ui_model *m)
{
	return m->current_second % (UI_SECONDS + 1);
}

const struct ui_second *ui_model_second(const struct ui_model *m, uint64_t now,
					unsigned ago)
{
	static const struct ui_second none;
	uint64_t second = now / 1000;

	if (ago > second || second - ago > m->current_second ||
	    m->current_second - (second - ago) > UI_SECONDS)
		return &none;
	return &m->seconds[(second - ago) % (UI_SECONDS + 1)];
}

unsigned ui_model_rate_milli(const struct ui_model *m, uint64_t now,
			     unsigned seconds)
{
	/* Skip the second of the snapshot, whose events are incomplete. */
	uint64_t first = m->snapshot_ms ? m->snapshot_ms / 1000 + 1 : 0;
	uint64_t second = now / 1000, sum = 0;

	if (first && second <= first)
		return now ? (unsigned)(ui_model_count_done(m) *
					UINT64_C(1000000) / now) :
			     0;
	if (seconds > UI_SECONDS)
		seconds = UI_SECONDS;
	if (seconds > second - first)
		seconds = (unsigned)(second - first);
	for (unsigned ago = 1; ago <= seconds; ago++)
		sum += ui_model_second(m, now, ago)->n_remote +
		       ui_model_second(m, now, ago)->n_local +
		       ui_model_second(m, now, ago)->n_cached;
	return seconds ? (unsigned)(sum * 1000 / seconds) : 0;
}

/* ---- nodes ---- */

struct ui_node *ui_model_find_node(const struct ui_model *m, const char *name)
{
	const struct events_node *reported = events_totals_find_node(&m->totals,
								     name);

	return reported ? reported->user_data : NULL;
}

bool ui_node_is_local(const struct ui_node *n)
{
	return events_node_is_local(n->reported);
}

bool ui_node_is_present(const struct ui_node *n)
{
	return !str_list_has("removed pool", ' ', n->reported->state);
}

bool ui_node_is_up(const struct ui_node *n)
{
	return events_node_is_up(n->reported);
}

/*
 * Find or create the node `name`.  Returns NULL if `name` is NULL or a further
 * node would exceed EVENTS_NODES_MAX.
 */
static struct ui_node *need_node(struct ui_model *m, const char *name)
{
	struct events_node *reported = events_totals_need_node(&m->totals,
							       name);
	struct ui_node *n;

	if (!reported)
		return NULL;
	if (reported->user_data)
		return reported->user_data;
	n = xcalloc(1, sizeof(*n));
	reported->user_data = n;
	n->reported = reported;
	n->n_cores = n->memory = EVENTS_UNKNOWN;
	n->load = n->other_load = n->temperature = n->clock_speed =
		EVENTS_UNKNOWN;
	n->last_job_ms = m->at_ms;
	*VEC_ADD(m->nodes, m->n_nodes) = n;
	if (ui_node_is_local(n)) {
		memmove(m->nodes + 1, m->nodes,
			(m->n_nodes - 1) * sizeof(*m->nodes));
		m->nodes[0] = n;
	}
	return n;
}

unsigned ui_node_count_jobs(const struct ui_node *n)
{
	unsigned jobs = 0;

	for (unsigned i = 0; i < EVENTS_N_JOB_STATES; i++)
		jobs += n->n_by_state[i];
	return jobs;
}

uint64_t ui_node_idle_ms(const struct ui_node *n, uint64_t now)
{
	uint64_t since = n->last_job_ms > n->state_ms ? n->last_job_ms :
							n->state_ms;

	return ui_node_is_up(n) && !ui_node_count_jobs(n) && now > since ?
		       now - since :
		       0;
}

unsigned ui_node_count_slots(const struct ui_model *m, const struct ui_node *n)
{
	int64_t slots = ui_node_is_local(n) ? m->n_local_slots :
					      n->reported->n_slots;

	if (slots > UI_SLOTS_MAX && !n->group_sums)
		slots = UI_SLOTS_MAX;
	return slots > 0 ? (unsigned)slots : n->n_slots;
}

uint64_t ui_node_mean_ms(const struct ui_node *n)
{
	return n->n_timed ? n->total_ms / n->n_timed : 0;
}

unsigned ui_model_count_nodes(const struct ui_model *m, unsigned *n_up)
{
	unsigned nodes = 0;

	*n_up = 0;
	for (size_t i = 0; i < m->n_nodes; i++) {
		nodes += !ui_node_is_local(m->nodes[i]) &&
			 ui_node_is_present(m->nodes[i]);
		*n_up += ui_node_is_up(m->nodes[i]);
	}
	return nodes;
}

/* Set the pool and the site of a node, and with them its group. */
static void set_group(struct ui_model *m, struct ui_node *n, const char *pool,
		      const char *site)
{
	char *name;

	if (str_equal(n->pool, pool) && str_equal(n->site, site))
		return;
	set_text_or_none(&n->pool, pool);
	set_text_or_none(&n->site, site);
	name = n->pool ? xasprintf("pool %s", n->pool) :
	       n->site ? xasprintf("site %s", n->site) :
			 xstrdup(UI_GROUP_OTHERS);
	n->group = 0;
	while (n->group < m->groups.n &&
	       strcmp(m->groups.v[n->group], name) != 0)
		n->group++;
	if (n->group == UI_GROUPS_MAX)
		n->group = 0;
	else if (n->group == m->groups.n)
		strv_add(&m->groups, name);
	free(name);
}

static void on_node(struct ui_model *m, const struct events_event *ev)
{
	struct ui_node *n = need_node(m, ev->node);

	if (!n)
		return;
	set_group(m, n, ev->pool, ev->site);
	if (!str_equal(n->members, ev->members))
		set_text_or_none(&n->members, ev->members);
	if (ev->text && !str_equal(n->reported->state, ev->text))
		n->state_ms = ev->at_ms;
	if (ev->machine)
		set_text_or_none(&n->machine, ev->machine);
	if (ev->n_cores != EVENTS_UNKNOWN)
		n->n_cores = ev->n_cores;
}

static uint64_t more_than(int64_t now, int64_t before)
{
	return now > before ? (uint64_t)(now - before) : 0;
}

static void on_load(struct ui_model *m, const struct events_event *ev)
{
	struct ui_node *n = need_node(m, ev->node);

	if (!n)
		return;
	/*
	 * Do not count the bytes of a node's first load event as throughput of
	 * this second, because they may have been sent over minutes.
	 */
	if (n->has_heartbeat) {
		m->seconds[index_now(m)].sent_bytes += more_than(
			ev->sent_bytes, n->reported->sent_bytes);
		m->seconds[index_now(m)].received_bytes += more_than(
			ev->received_bytes, n->reported->received_bytes);
	}
	/*
	 * In a snapshot, `at_ms` of a load event is the time of the node's last
	 * job.
	 */
	if (!n->has_heartbeat && (ev->n_done > 0 || ev->at_ms < n->last_job_ms))
		n->last_job_ms = ev->at_ms;
	n->has_heartbeat = true;
	if (ev->mean_ms > 0 && ev->n_done > 0) {
		n->n_timed = (unsigned)ev->n_done;
		n->total_ms = (uint64_t)ev->mean_ms * n->n_timed;
	}
	n->load = ev->load_milli;
	n->memory = ev->memory_bytes;
	n->other_load = ev->foreign_milli;
	n->temperature = ev->celsius_milli;
	n->clock_speed = ev->speed_milli;
}

/* ---- jobs ---- */

static uint64_t number_hash(int64_t number)
{
	/* Fibonacci hashing spreads consecutive numbers. */
	return (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15);
}

static const char *strip_tree_dir(const struct ui_model *m, const char *file)
{
	const char *below = *m->tree ? str_skip_dir(file, m->tree) : NULL;

	return below ? below : file;
}

/* Note the time at which a job of the node began or ended. */
static void note_job(struct ui_node *n, uint64_t at_ms)
{
	if (at_ms > n->last_job_ms)
		n->last_job_ms = at_ms;
}

/*
 * If a job is in a slot beyond the reported number of slots, move the job to a
 * free slot.  A node can have more jobs than slots, because it starts the next
 * job while the result of the previous job is still being verified.
 */
static void compact_slots(const struct ui_model *m, struct ui_node *n)
{
	int64_t slots = ui_node_is_local(n) ? m->n_local_slots :
					      n->reported->n_slots;
	unsigned i = 0;

	while (slots > 0 && n->n_slots > slots) {
		struct ui_job *last = n->slots[n->n_slots - 1];

		while (last && i < slots && n->slots[i])
			i++;
		if (last && i == slots)
			return;
		if (last) {
			n->slots[i] = last;
			last->slot = i;
		}
		n->n_slots--;
	}
}

static void unassign_node(const struct ui_model *m, struct ui_job *j,
			  uint64_t at_ms)
{
	if (!j->node)
		return;
	note_job(j->node, at_ms);
	j->node->n_by_state[j->state]--;
	j->node->slots[j->slot] = NULL;
	compact_slots(m, j->node);
	j->node = NULL;
}

static void assign_node(struct ui_job *j, struct ui_node *n, uint64_t at_ms)
{
	unsigned i = 0;

	if (!n)
		return;
	while (i < n->n_slots && n->slots[i])
		i++;
	if (i == n->n_slots)
		*VEC_ADD(n->slots, n->n_slots) = NULL;
	n->slots[i] = j;
	note_job(n, at_ms);
	j->assigned_ms = at_ms;
	j->slot = i;
	j->node = n;
	j->node->n_by_state[j->state]++;
}

static void drop_done_job(struct ui_model *m, struct ui_job *j)
{
	unassign_node(m, j, m->at_ms);
	m->n_by_state[j->state]--;
	m->n_jobs--;
	TAILQ_REMOVE(&m->open_jobs, j, entry);
	map_remove(&m->by_number, &j->map_entry);
	free(j->file);
	free(j);
}

static void add_job(struct ui_model *m, const struct events_event *ev)
{
	struct ui_job *j;

	ui_estimate_begin_job(&m->estimate, ev, m->n_jobs);
	if (m->n_jobs == UI_JOBS_MAX)
		return;
	j = xcalloc(1, sizeof(*j));
	j->number = ev->job;
	j->state = EVENTS_JOB_QUEUED;
	j->file = events_totals_sanitize(
		ev->file ? strip_tree_dir(m, ev->file) : NULL, EVENTS_NAME_MAX,
		0);
	j->cost_ms = ev->cost_ms;
	j->queued_ms = j->state_ms = ev->at_ms;
	map_add(&m->by_number, &j->map_entry, number_hash(j->number));
	TAILQ_INSERT_TAIL(&m->open_jobs, j, entry);
	m->n_jobs++;
	m->n_by_state[EVENTS_JOB_QUEUED]++;
}

static void move_job(struct ui_model *m, struct ui_job *j,
		     const struct events_event *ev)
{
	uint64_t at_ms = ev->at_ms;
	struct ui_node *to;

	/* A second execution does not change the node that the view shows. */
	if (ev->hedged) {
		j->hedged = true;
		return;
	}
	to = need_node(m, ev->node);
	if (to == j->node && to) {
		to->n_by_state[j->state]--;
		to->n_by_state[ev->state]++;
		m->n_by_state[j->state]--;
	} else {
		unassign_node(m, j, at_ms);
		m->n_by_state[j->state]--;
		j->state = ev->state;
		assign_node(j, to, at_ms);
	}
	j->state = ev->state;
	j->reason = events_totals_need_reason(&m->totals, ev->reason);
	j->state_ms = at_ms;
	m->n_by_state[j->state]++;
}

static void end_job(struct ui_model *m, struct ui_job *j,
		    const struct events_event *ev)
{
	struct ui_node *n;

	m->seconds[index_now(m)].n_remote += ev->remote;
	m->seconds[index_now(m)].n_cached += ev->cached;
	m->seconds[index_now(m)].n_local += !ev->remote && !ev->cached;
	n = need_node(m, ev->node);
	if (n && j && j->node == n && ev->at_ms >= j->assigned_ms) {
		n->total_ms += ev->at_ms - j->assigned_ms;
		n->n_timed++;
	}
	ui_estimate_end_job(&m->estimate, ev, j ? j->cost_ms : EVENTS_UNKNOWN);
	if (ev->file)
		set_text(&m->last_file, strip_tree_dir(m, ev->file));
	if (j)
		drop_done_job(m, j);
}

/*
 * Add, change or remove a job.  Only EVENTS_JOB_QUEUED adds a job, so a late
 * event about a removed job does not add the job again.
 */
static void on_job(struct ui_model *m, const struct events_event *ev)
{
	struct map_entry *at = map_find(&m->by_number, number_hash(ev->job));
	struct ui_job *j;

	while (at && ((struct ui_job *)at)->number != ev->job)
		at = map_next_match(at);
	j = (struct ui_job *)at;
	if (ev->state == EVENTS_JOB_DONE)
		end_job(m, j, ev);
	else if (j && ev->state == EVENTS_JOB_ABANDONED)
		drop_done_job(m, j);
	else if (j)
		move_job(m, j, ev);
	else if (ev->state == EVENTS_JOB_QUEUED)
		add_job(m, ev);
}

/* ---- other events ---- */

static void on_build(struct ui_model *m, const struct events_event *ev)
{
	set_text(&m->goals, ev->command);
	set_text(&m->arch, ev->arch);
	set_text(&m->config, ev->config);
	set_text(&m->toolchain, ev->toolchain);
	set_text(&m->tree, ev->tree);
	set_text(&m->dir, ev->dir);
	set_text(&m->output, ev->output);
	set_text(&m->toolchain_id, ev->toolchain_id);
	set_text(&m->tree_name, ev->tree_name);
	set_text(&m->commit, ev->commit);
	set_text(&m->release, ev->release);
	set_text(&m->series_key, ev->series_key);
	m->fresh = ev->from_scratch;
	m->make_jobs = ev->make_jobs;
	m->n_local_slots = ev->n_local_slots;
	m->build_number = ev->n_builds > 0 ? ev->build_number : 0;
	m->n_builds = ev->n_builds > 0 ? ev->n_builds : 0;
	m->estimate = (struct ui_estimate){ 0 };
}

static void on_phase(struct ui_model *m, const struct events_event *ev)
{
	if (m->n_phases == UI_PHASES) {
		free(m->phases[0].name);
		memmove(m->phases, m->phases + 1,
			(UI_PHASES - 1) * sizeof(m->phases[0]));
		m->n_phases--;
	}
	m->phases[m->n_phases++] = (struct ui_phase){
		events_totals_sanitize(ev->text, EVENTS_NAME_MAX, 0), ev->at_ms
	};
	set_text(&m->activity, ev->activity);
}

void ui_model_add_label(const struct ui_model *m, struct buf *out)
{
	if (m->n_builds)
		buf_printf(out, "%lld/%lld ", (long long)m->build_number,
			   (long long)m->n_builds);
	buf_add_str(out, m->arch);
	if (m->n_builds)
		buf_printf(out, " %s", str_base(m->config));
}

unsigned ui_model_count_done(const struct ui_model *m)
{
	return events_totals_count_done(&m->totals);
}

void ui_model_add_phase(const struct ui_model *m, struct buf *out)
{
	buf_add_str(out, ui_model_phase(m));
	if (*m->activity)
		buf_printf(out, ": %s", m->activity);
}

bool ui_model_predict(const struct ui_model *m, uint64_t now,
		      struct ui_prediction *out)
{
	return !m->done &&
	       ui_estimate_predict(&m->estimate, now, ui_model_count_done(m),
				   m->n_jobs, out);
}

const char *ui_model_phase(const struct ui_model *m)
{
	return m->n_phases ? m->phases[m->n_phases - 1].name : "start";
}

unsigned ui_model_count_running(const struct ui_model *m)
{
	return m->n_jobs - m->n_by_state[EVENTS_JOB_QUEUED];
}

static void on_diag(struct ui_model *m, const struct events_event *ev)
{
	struct ui_diag *d = &m->diags[m->n_diags++ % UI_DIAGS];

	free(d->text);
	*d = (struct ui_diag){
		.at_ms = ev->at_ms,
		.severity = ev->severity,
		.text = events_totals_sanitize(ev->text, UI_DIAG_MAX,
					       PRINTABLE_WHITESPACE),
		.n_new = ev->n_new_diags,
	};
}

void ui_model_add_event(void *model, const struct events_event *ev)
{
	struct ui_model *m = model;
	struct ui_node *n;

	if (ev->at_ms > m->at_ms)
		m->at_ms = ev->at_ms;
	advance_to_second(m, m->at_ms / 1000);
	switch (ev->kind) {
	case EVENTS_KIND_STREAM:
		set_text(&m->program, ev->program);
		m->pid = ev->pid;
		m->began_s = ev->start_s;
		break;
	case EVENTS_KIND_BUILD:
		on_build(m, ev);
		break;
	case EVENTS_KIND_ESTIMATE:
		ui_estimate_add_point(&m->estimate, ev, m->make_jobs);
		break;
	case EVENTS_KIND_PHASE:
		on_phase(m, ev);
		break;
	case EVENTS_KIND_ACTIVITY:
		set_text(&m->activity, ev->activity);
		break;
	case EVENTS_KIND_JOB:
		on_job(m, ev);
		break;
	case EVENTS_KIND_NODE:
		on_node(m, ev);
		break;
	case EVENTS_KIND_CELL:
		n = need_node(m, ev->node);
		if (n)
			set_text_or_none(&n->sandbox, ev->text);
		break;
	case EVENTS_KIND_LOAD:
		on_load(m, ev);
		break;
	case EVENTS_KIND_DIAG:
		on_diag(m, ev);
		break;
	case EVENTS_KIND_COUNTS:
		m->snapshot_ms = m->at_ms;
		ui_estimate_resume(&m->estimate, ev);
		break;
	case EVENTS_KIND_DROPPED:
		m->n_dropped += (uint64_t)ev->n_dropped;
		break;
	case EVENTS_KIND_DONE:
		m->done = true;
		m->status = ev->status;
		break;
	default:
		break;
	}
	/* Update the totals last: on_node() and on_load() read old totals. */
	events_totals_add(&m->totals, ev);
}

/*
 * Return the address of the i-th member that is an allocated string and never
 * NULL.  Returns NULL after the last such member.
 */
static char **model_text_at(struct ui_model *m, size_t i)
{
	char **const all[] = { &m->program, &m->goals,      &m->arch,
			       &m->config,  &m->toolchain,  &m->toolchain_id,
			       &m->tree,    &m->tree_name,  &m->commit,
			       &m->release, &m->series_key, &m->dir,
			       &m->output,  &m->last_file,  &m->activity };

	return i < ARRAY_SIZE(all) ? all[i] : NULL;
}

void ui_model_init(struct ui_model *m)
{
	char **text;

	*m = (struct ui_model){ 0 };
	TAILQ_INIT(&m->open_jobs);
	strv_add(&m->groups, UI_GROUP_OTHERS);
	for (size_t i = 0; (text = model_text_at(m, i)); i++)
		*text = xstrdup("");
}

void ui_model_release(struct ui_model *m)
{
	char **text;

	while (!TAILQ_EMPTY(&m->open_jobs))
		drop_done_job(m, TAILQ_FIRST(&m->open_jobs));
	map_release(&m->by_number);
	for (size_t i = 0; i < m->n_nodes; i++) {
		free(m->nodes[i]->pool);
		free(m->nodes[i]->site);
		free(m->nodes[i]->members);
		free(m->nodes[i]->machine);
		free(m->nodes[i]->sandbox);
		free(m->nodes[i]->slots);
		free(m->nodes[i]);
	}
	free(m->nodes);
	strv_release(&m->groups);
	events_totals_release(&m->totals);
	for (unsigned i = 0; i < m->n_phases; i++)
		free(m->phases[i].name);
	for (unsigned i = 0; i < UI_DIAGS; i++)
		free(m->diags[i].text);
	for (size_t i = 0; (text = model_text_at(m, i)); i++)
		free(*text);
	*m = (struct ui_model){ 0 };
}

struct snapshot_emitter {
	const struct ui_model *m;
	events_event_fn *on_event;
	void *ctx;
};

static struct events_event new_snapshot_event(const struct snapshot_emitter *t,
					      enum events_kind kind)
{
	struct events_event ev = events_event_make(kind);

	ev.at_ms = t->m->at_ms;
	return ev;
}

static const char *text_or_unset(const char *text)
{
	return *text ? text : NULL;
}

static void emit_build(const struct snapshot_emitter *t)
{
	const struct ui_model *m = t->m;
	struct events_event ev = new_snapshot_event(t, EVENTS_KIND_BUILD);

	if (*m->goals) {
		ev.command = m->goals;
		ev.arch = text_or_unset(m->arch);
		ev.config = text_or_unset(m->config);
		ev.toolchain = text_or_unset(m->toolchain);
		ev.tree = text_or_unset(m->tree);
		ev.toolchain_id = text_or_unset(m->toolchain_id);
		ev.tree_name = text_or_unset(m->tree_name);
		ev.commit = text_or_unset(m->commit);
		ev.release = text_or_unset(m->release);
		ev.series_key = text_or_unset(m->series_key);
		ev.from_scratch = m->fresh;
		ev.dir = text_or_unset(m->dir);
		ev.output = text_or_unset(m->output);
		ev.make_jobs = m->make_jobs;
		ev.n_local_slots = m->n_local_slots;
		ev.build_number = m->n_builds ? m->build_number :
						EVENTS_UNKNOWN;
		ev.n_builds = m->n_builds ? m->n_builds : EVENTS_UNKNOWN;
		t->on_event(t->ctx, &ev);
	}
	for (unsigned i = 0; i < m->n_phases; i++) {
		ev = new_snapshot_event(t, EVENTS_KIND_PHASE);
		ev.at_ms = m->phases[i].began_ms;
		ev.text = m->phases[i].name;
		if (i == m->n_phases - 1)
			ev.activity = text_or_unset(m->activity);
		t->on_event(t->ctx, &ev);
	}
}

static void emit_node(const struct snapshot_emitter *t, const struct ui_node *n)
{
	struct events_event ev = new_snapshot_event(t, EVENTS_KIND_NODE);

	ev.node = n->reported->name;
	if (*n->reported->state) {
		ev.at_ms = n->state_ms;
		ev.text = n->reported->state;
		ev.reason = n->reported->reason;
		ev.pool = n->pool;
		ev.site = n->site;
		ev.members = n->members;
		ev.machine = n->machine;
		ev.n_slots = n->reported->n_slots;
		ev.n_cores = n->n_cores;
		t->on_event(t->ctx, &ev);
	}
	if (n->sandbox) {
		ev = new_snapshot_event(t, EVENTS_KIND_CELL);
		ev.node = n->reported->name;
		ev.text = n->sandbox;
		t->on_event(t->ctx, &ev);
	}
	ev = new_snapshot_event(t, EVENTS_KIND_LOAD);
	ev.at_ms = n->last_job_ms;
	ev.node = n->reported->name;
	ev.n_done = n->reported->n_jobs;
	ev.n_failed = n->reported->n_failed;
	ev.n_retries = n->reported->n_retries;
	ev.cpu_ms = n->reported->cpu_ms;
	if (ui_node_mean_ms(n))
		ev.mean_ms = (int64_t)ui_node_mean_ms(n);
	ev.sent_bytes = n->reported->sent_bytes;
	ev.received_bytes = n->reported->received_bytes;
	ev.load_milli = n->load;
	ev.memory_bytes = n->memory;
	ev.foreign_milli = n->other_load;
	ev.celsius_milli = n->temperature;
	ev.speed_milli = n->clock_speed;
	for (unsigned i = EVENTS_JOB_SEND; i <= EVENTS_JOB_RECEIVE; i++)
		ev.n_running += n->n_by_state[i];
	t->on_event(t->ctx, &ev);
}

static void emit_job(const struct snapshot_emitter *t, const struct ui_job *j)
{
	struct events_event ev = new_snapshot_event(t, EVENTS_KIND_JOB);

	ev.job = j->number;
	ev.file = j->file;
	ev.cost_ms = j->cost_ms;
	ev.at_ms = j->queued_ms;
	t->on_event(t->ctx, &ev);
	ev.cost_ms = EVENTS_UNKNOWN;
	if (j->state != EVENTS_JOB_QUEUED) {
		ev.state = j->state;
		ev.node = j->node ? j->node->reported->name : NULL;
		ev.reason = j->reason;
		ev.at_ms = j->state_ms;
		t->on_event(t->ctx, &ev);
	}
	if (j->hedged) {
		ev.state = EVENTS_JOB_RUN;
		ev.hedged = true;
		ev.node = EVENTS_LOCAL;
		t->on_event(t->ctx, &ev);
	}
}

static void emit_counts(const struct snapshot_emitter *t)
{
	const struct events_totals *all = &t->m->totals;
	const struct ui_estimate *e = &t->m->estimate;
	struct events_event ev;

	/*
	 * Emit the points of the baseline after the jobs.  The number of jobs
	 * in the last point already includes the jobs that the baseline lacks.
	 * A job of this kind that followed the points would be counted twice.
	 */
	for (unsigned i = 1; !e->diverged && i < e->n_points; i++) {
		ev = new_snapshot_event(t, EVENTS_KIND_ESTIMATE);
		ui_estimate_fill_event(e, i, &ev);
		t->on_event(t->ctx, &ev);
	}
	ev = new_snapshot_event(t, EVENTS_KIND_COUNTS);
	if (!e->diverged && e->n_points > 1) {
		ev.at_ms = (uint64_t)e->point_passed_ms;
		ev.cost_ms = (int64_t)e->done_cost_ms;
	}
	events_totals_fill_jobs(all, &ev);
	ev.n_steps = all->n_steps;
	ev.n_retries = all->n_retried;
	ev.n_hedged = all->n_hedged;
	ev.n_warnings = all->n_warnings;
	ev.n_errors = all->n_errors;
	if (all->has_baseline)
		ev.n_new_diags = all->n_new_diags;
	t->on_event(t->ctx, &ev);
	for (size_t i = 0; i < all->n_disabled; i++) {
		ev = new_snapshot_event(t, EVENTS_KIND_DISABLED);
		ev.tool = all->disabled[i].tool;
		ev.node = all->disabled[i].node;
		ev.text = all->disabled[i].text;
		ev.n_failed = all->disabled[i].n_failures;
		t->on_event(t->ctx, &ev);
	}
	for (size_t i = 0; i < all->n_reasons; i++) {
		ev = new_snapshot_event(t, EVENTS_KIND_REASON);
		ev.reason = all->reasons[i].text;
		ev.n_local = all->reasons[i].n_jobs;
		t->on_event(t->ctx, &ev);
	}
}

void ui_model_snapshot(void *model, events_event_fn *on_event, void *ctx)
{
	const struct ui_model *m = model;
	const struct snapshot_emitter t = { m, on_event, ctx };
	uint64_t i = m->n_diags > UI_DIAGS ? m->n_diags - UI_DIAGS : 0;
	const struct ui_job *j;
	struct events_event ev;

	emit_build(&t);
	for (size_t k = 0; k < m->n_nodes; k++)
		emit_node(&t, m->nodes[k]);
	for (; i < m->n_diags; i++) {
		const struct ui_diag *d = &m->diags[i % UI_DIAGS];

		ev = new_snapshot_event(&t, EVENTS_KIND_DIAG);
		ev.at_ms = d->at_ms;
		ev.severity = d->severity;
		ev.text = d->text;
		ev.n_new_diags = d->n_new;
		on_event(ctx, &ev);
	}
	list_for_each(j, &m->open_jobs, entry)
		emit_job(&t, j);
	emit_counts(&t);
	if (m->done) {
		ev = new_snapshot_event(&t, EVENTS_KIND_DONE);
		ev.status = m->status;
		events_totals_fill_jobs(&m->totals, &ev);
		on_event(ctx, &ev);
	}
}
