/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/model.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

static void set_text(char **at, const char *text)
{
	free(*at);
	*at = events_shown(text, EVENTS_NAME_MAX, 0);
}

static void set_text_or_none(char **at, const char *text)
{
	free(*at);
	*at = text ? events_shown(text, EVENTS_NAME_MAX, 0) : NULL;
}

/* ------------------------------------------------------------- the past */

static void go_to_second(struct ui_model *m, uint64_t second)
{
	uint64_t step = second > m->second ? second - m->second : 0;

	if (step > UI_SECONDS)
		step = UI_SECONDS + 1;
	for (uint64_t i = 0; i < step; i++)
		memset(&m->past[(second - i) % (UI_SECONDS + 1)], 0,
		       sizeof(m->past[0]));
	if (second > m->second)
		m->second = second;
}

static size_t index_now(const struct ui_model *m)
{
	return m->second % (UI_SECONDS + 1);
}

const struct ui_second *ui_model_second(const struct ui_model *m, uint64_t now,
					unsigned ago)
{
	static const struct ui_second none;
	uint64_t second = now / 1000;

	if (ago > second || second - ago > m->second ||
	    m->second - (second - ago) > UI_SECONDS)
		return &none;
	return &m->past[(second - ago) % (UI_SECONDS + 1)];
}

unsigned ui_model_rate(const struct ui_model *m, uint64_t now, unsigned seconds)
{
	uint64_t second = now / 1000, sum = 0;

	if (seconds > UI_SECONDS)
		seconds = UI_SECONDS;
	if (seconds > second)
		seconds = (unsigned)second;
	for (unsigned ago = 1; ago <= seconds; ago++)
		sum += ui_model_second(m, now, ago)->remote +
		       ui_model_second(m, now, ago)->local;
	return seconds ? (unsigned)(sum * 1000 / seconds) : 0;
}

/* ---------------------------------------------------------------- nodes */

struct ui_node *ui_model_node(const struct ui_model *m, const char *name)
{
	const struct events_node *told = events_tally_node(&m->tally, name);

	return told ? told->own : NULL;
}

bool ui_node_is_local(const struct ui_node *n)
{
	return events_node_is_local(n->told);
}

bool ui_node_is_up(const struct ui_node *n)
{
	return events_node_is_up(n->told);
}

static struct ui_node *add_node(struct ui_model *m, struct events_node *told)
{
	struct ui_node *n = xcalloc(1, sizeof(*n));

	told->own = n;
	n->told = told;
	n->cores = n->memory = EVENTS_UNKNOWN;
	n->load = n->foreign = n->celsius = n->speed = EVENTS_UNKNOWN;
	n->job_ms = m->at_ms;
	*VEC_ADD(m->node, m->n_nodes) = n;
	if (ui_node_is_local(n)) {
		memmove(m->node + 1, m->node,
			(m->n_nodes - 1) * sizeof(*m->node));
		m->node[0] = n;
	}
	return n;
}

/* NULL: there are too many, or it has no name. */
static struct ui_node *need_node(struct ui_model *m, const char *name)
{
	struct events_node *told = events_tally_need(&m->tally, name);

	if (!told)
		return NULL;
	return told->own ? told->own : add_node(m, told);
}

static unsigned jobs_on(const struct ui_node *n)
{
	unsigned jobs = 0;

	for (unsigned i = 0; i < EVENTS_STATES; i++)
		jobs += n->now[i];
	return jobs;
}

uint64_t ui_node_idle(const struct ui_node *n, uint64_t now)
{
	uint64_t since = n->job_ms > n->state_ms ? n->job_ms : n->state_ms;

	if (!ui_node_is_up(n) || jobs_on(n) || now <= since)
		return 0;
	return now - since;
}

uint64_t ui_node_mean(const struct ui_node *n)
{
	return n->counted ? n->took_ms / n->counted : 0;
}

unsigned ui_model_nodes(const struct ui_model *m, unsigned *up)
{
	unsigned nodes = 0;

	*up = 0;
	for (size_t i = 0; i < m->n_nodes; i++) {
		nodes += !ui_node_is_local(m->node[i]);
		*up += ui_node_is_up(m->node[i]);
	}
	return nodes;
}

static void on_node(struct ui_model *m, const struct events_event *ev)
{
	struct ui_node *n = need_node(m, ev->node);

	if (!n)
		return;
	if (ev->text && !str_equal(n->told->state, ev->text))
		n->state_ms = ev->at_ms;
	if (ev->machine)
		set_text_or_none(&n->machine, ev->machine);
	if (ev->cores != EVENTS_UNKNOWN)
		n->cores = ev->cores;
	if (ev->memory != EVENTS_UNKNOWN)
		n->memory = ev->memory;
}

static void on_cell(struct ui_model *m, const struct events_event *ev)
{
	struct ui_node *n = need_node(m, ev->node);

	if (n)
		set_text_or_none(&n->cell, ev->text);
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
	/* The first may tell of minutes. */
	if (n->beats) {
		m->past[index_now(m)].sent += more_than(ev->sent,
							n->told->sent);
		m->past[index_now(m)].received += more_than(ev->received,
							    n->told->received);
	}
	n->beats = true;
	n->load = ev->load;
	n->memory = ev->memory;
	n->foreign = ev->foreign;
	n->celsius = ev->celsius;
	n->speed = ev->speed;
}

/* ----------------------------------------------------------------- jobs */

static uint64_t number_hash(int64_t number)
{
	/* Fibonacci: what is next to each other comes apart. */
	return (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15);
}

static struct ui_job *find_by_number(const struct ui_model *m, int64_t number)
{
	struct map_node *at = map_find(&m->by_number, number_hash(number));

	while (at && ((struct ui_job *)at)->number != number)
		at = map_again(at);
	return (struct ui_job *)at;
}

static const char *in_tree(const struct ui_model *m, const char *file)
{
	const char *below = *m->tree ? str_below(file, m->tree) : NULL;

	return below ? below : file;
}

static void leave_node(struct ui_job *j)
{
	if (!j->node)
		return;
	j->node->now[j->state]--;
	j->node->slot[j->slot] = NULL;
	j->node = NULL;
}

static void go_to_node(struct ui_job *j, struct ui_node *n, uint64_t at_ms)
{
	unsigned i = 0;

	if (!n)
		return;
	while (i < n->n_slots && n->slot[i])
		i++;
	if (i == n->n_slots)
		*VEC_ADD(n->slot, n->n_slots) = NULL;
	n->slot[i] = j;
	n->job_ms = at_ms;
	j->there_ms = at_ms;
	j->slot = i;
	j->node = n;
	j->node->now[j->state]++;
}

static void drop_done_job(struct ui_model *m, struct ui_job *j)
{
	leave_node(j);
	m->now[j->state]--;
	m->n_jobs--;
	TAILQ_REMOVE(&m->jobs_now, j, link);
	map_remove(&m->by_number, &j->map);
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
	j->state = EVENTS_QUEUED;
	j->file = events_shown(ev->file ? in_tree(m, ev->file) : NULL,
			       EVENTS_NAME_MAX, 0);
	j->cost_ms = ev->cost_ms;
	j->came_ms = j->since_ms = ev->at_ms;
	map_add(&m->by_number, &j->map, number_hash(j->number));
	TAILQ_INSERT_TAIL(&m->jobs_now, j, link);
	m->n_jobs++;
	m->now[EVENTS_QUEUED]++;
}

static void move_job(struct ui_model *m, struct ui_job *j,
		     const struct events_event *ev)
{
	uint64_t at_ms = ev->at_ms;
	struct ui_node *to;

	/* It is on its node all the same. */
	if (ev->beside) {
		j->beside = true;
		return;
	}
	to = need_node(m, ev->node);
	if (to == j->node && to) {
		to->now[j->state]--;
		to->now[ev->state]++;
		m->now[j->state]--;
	} else {
		leave_node(j);
		m->now[j->state]--;
		j->state = ev->state;
		go_to_node(j, to, at_ms);
	}
	j->state = ev->state;
	j->reason = events_tally_reason(&m->tally, ev->reason);
	j->since_ms = at_ms;
	m->now[j->state]++;
}

static void count_node(struct ui_model *m, const struct ui_job *j,
		       const struct events_event *ev)
{
	struct ui_node *n = need_node(m, ev->node);

	if (n && j && j->node == n && ev->at_ms >= j->there_ms) {
		n->took_ms += ev->at_ms - j->there_ms;
		n->counted++;
	}
}

static void end_job(struct ui_model *m, struct ui_job *j,
		    const struct events_event *ev)
{
	m->past[index_now(m)].remote += ev->remote;
	m->past[index_now(m)].local += !ev->remote;
	count_node(m, j, ev);
	ui_estimate_end_job(&m->estimate, ev, j ? j->cost_ms : EVENTS_UNKNOWN);
	if (ev->file)
		set_text(&m->last, in_tree(m, ev->file));
	if (j)
		drop_done_job(m, j);
}

/* A job is known by EVENTS_QUEUED; what comes after its end is late. */
static void on_job(struct ui_model *m, const struct events_event *ev)
{
	struct ui_job *j = find_by_number(m, ev->job);

	if (ev->state == EVENTS_JOB_DONE)
		end_job(m, j, ev);
	else if (j && ev->state == EVENTS_JOB_LEFT)
		drop_done_job(m, j);
	else if (j)
		move_job(m, j, ev);
	else if (ev->state == EVENTS_QUEUED)
		add_job(m, ev);
}

/* ------------------------------------------------------------ the others */

static void on_build(struct ui_model *m, const struct events_event *ev)
{
	set_text(&m->what, ev->what);
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
	set_text(&m->key, ev->key);
	m->fresh = ev->fresh;
	m->jobs = ev->jobs;
	m->local_slots = ev->local_slots;
	m->number = ev->of > 0 ? ev->number : 0;
	m->of = ev->of > 0 ? ev->of : 0;
	m->estimate = (struct ui_estimate){ 0 };
}

static void on_stream(struct ui_model *m, const struct events_event *ev)
{
	set_text(&m->program, ev->program);
	m->pid = ev->pid;
	m->began_s = ev->began_s;
}

static void on_phase(struct ui_model *m, const struct events_event *ev)
{
	if (m->n_phases == UI_PHASES) {
		free(m->phase[0].name);
		memmove(m->phase, m->phase + 1,
			(UI_PHASES - 1) * sizeof(m->phase[0]));
		m->n_phases--;
	}
	m->phase[m->n_phases++] = (struct ui_phase){
		events_shown(ev->text, EVENTS_NAME_MAX, 0), ev->at_ms
	};
}

void ui_model_add_which(const struct ui_model *m, struct buf *out)
{
	if (m->of)
		buf_printf(out, "%lld/%lld ", (long long)m->number,
			   (long long)m->of);
	buf_add_str(out, m->arch);
	if (m->of)
		buf_printf(out, " %s", str_base(m->config));
}

unsigned ui_model_jobs_done(const struct ui_model *m)
{
	return m->tally.remote + m->tally.local;
}

bool ui_model_look(const struct ui_model *m, uint64_t now,
		   struct ui_outlook *out)
{
	return !m->done &&
	       ui_estimate_look(&m->estimate, now, ui_model_jobs_done(m),
				m->n_jobs, out);
}

const char *ui_model_phase(const struct ui_model *m)
{
	return m->n_phases ? m->phase[m->n_phases - 1].name : "start";
}

unsigned ui_model_running(const struct ui_model *m)
{
	return m->n_jobs - m->now[EVENTS_QUEUED];
}

static void on_diag(struct ui_model *m, const struct events_event *ev)
{
	struct ui_diag *d = &m->diag[m->n_diags++ % UI_DIAGS];

	free(d->text);
	*d = (struct ui_diag){
		.at_ms = ev->at_ms,
		.severity = ev->severity,
		.text = events_shown(ev->text, UI_DIAG_MAX, PRINTABLE_LAYOUT),
		.fresh = ev->new_diags,
	};
}

void ui_model_tell(void *model, const struct events_event *ev)
{
	struct ui_model *m = model;

	if (ev->at_ms > m->at_ms)
		m->at_ms = ev->at_ms;
	go_to_second(m, m->at_ms / 1000);
	switch (ev->kind) {
	case EVENTS_STREAM:
		on_stream(m, ev);
		break;
	case EVENTS_BUILD:
		on_build(m, ev);
		break;
	case EVENTS_ESTIMATE:
		ui_estimate_add_point(&m->estimate, ev, m->jobs);
		break;
	case EVENTS_PHASE:
		on_phase(m, ev);
		break;
	case EVENTS_JOB:
		on_job(m, ev);
		break;
	case EVENTS_NODE:
		on_node(m, ev);
		break;
	case EVENTS_CELL:
		on_cell(m, ev);
		break;
	case EVENTS_LOAD:
		on_load(m, ev);
		break;
	case EVENTS_DIAG:
		on_diag(m, ev);
		break;
	case EVENTS_COUNTS:
		ui_estimate_resume(&m->estimate, ev);
		break;
	case EVENTS_LIVE:
		m->live = true;
		break;
	case EVENTS_DROPPED:
		m->dropped += (uint64_t)ev->dropped;
		break;
	case EVENTS_DONE:
		m->done = true;
		m->status = ev->status;
		break;
	default:
		break;
	}
	/* Behind the others, which look at what it was before. */
	events_tally_tell(&m->tally, ev);
}

/* The texts that are never NULL, by a number; NULL behind the last. */
static char **model_text_at(struct ui_model *m, size_t i)
{
	char **const all[] = { &m->program, &m->what,      &m->arch,
			       &m->config,  &m->toolchain, &m->toolchain_id,
			       &m->tree,    &m->tree_name, &m->commit,
			       &m->release, &m->key,       &m->dir,
			       &m->output,  &m->last };

	return i < sizeof(all) / sizeof(*all) ? all[i] : NULL;
}

void ui_model_init(struct ui_model *m)
{
	char **text;

	*m = (struct ui_model){ 0 };
	TAILQ_INIT(&m->jobs_now);
	for (size_t i = 0; (text = model_text_at(m, i)); i++)
		*text = xstrdup("");
}

static void free_node(struct ui_node *n)
{
	free(n->machine);
	free(n->cell);
	free(n->slot);
	free(n);
}

void ui_model_release(struct ui_model *m)
{
	char **text;

	while (!TAILQ_EMPTY(&m->jobs_now))
		drop_done_job(m, TAILQ_FIRST(&m->jobs_now));
	map_release(&m->by_number);
	for (size_t i = 0; i < m->n_nodes; i++)
		free_node(m->node[i]);
	free(m->node);
	events_tally_release(&m->tally);
	for (unsigned i = 0; i < m->n_phases; i++)
		free(m->phase[i].name);
	for (unsigned i = 0; i < UI_DIAGS; i++)
		free(m->diag[i].text);
	for (size_t i = 0; (text = model_text_at(m, i)); i++)
		free(*text);
	*m = (struct ui_model){ 0 };
}
