/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The status of a relay, in the format of kfarmd/status.c. */
#include "relay/internal.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdlib.h>

static bool is_job_running(const struct relay_job *job)
{
	return (job->n_attempts && job->attempts[0].running) ||
	       (job->n_attempts > 1 && job->attempts[1].running);
}

static json_t *job_to_json(const struct relay_session *s,
			   const struct relay_job *job, uint64_t now)
{
	const struct relay_attempt *a = &job->attempts[0];
	double seconds = (double)(now - job->received_ms) / 1000;
	json_t *o = json_object();
	struct wire_job m;

	json_object_set_new(o, "job", json_integer(job->number));
	if (!wire_job_decode_at(&m, buf_bytes(&job->job), s->version)) {
		json_object_set_new(o, "file", json_text(m.source));
		json_object_set_new(o, "dir",
				    json_text(wire_paths_get(s->paths, m.cwd)));
		wire_job_release(&m);
	}
	json_object_set_new(o, "cell", json_integer(job->target));
	json_object_set_new(o, "state",
			    json_text(is_job_running(job) ? "running" :
				      job->n_attempts     ? "receiving" :
							    "waiting"));
	json_object_set_new(o, "seconds", json_real(seconds));
	json_object_set_new(o, "here", json_real(seconds));
	json_object_set_new(o, "cpu", json_real((double)a->cpu_ms / 1000));
	json_object_set_new(o, "member",
			    json_text(job->n_attempts ?
					      a->link->member->entry.name :
					      NULL));
	return o;
}

static json_t *target_to_json(const struct relay_target *t)
{
	json_t *o = json_object();

	json_object_set_new(o, "cell", json_integer(t->number));
	json_object_set_new(o, "state",
			    json_text(t->ready ? "ready" : "filling"));
	json_object_set_new(o, "compiler", json_text(t->compiler));
	json_object_set_new(o, "kept",
			    json_text(t->has_identity ? t->compiler : NULL));
	return o;
}

static json_t *session_to_json(const struct relay_session *s)
{
	json_t *o = kfarmd_peer_to_json(&s->client, s->sent_lease);
	json_t *jobs = json_array(), *cells = json_array();
	uint64_t now = clock_ms();
	const struct relay_target *t;
	const struct relay_job *job;

	list_for_each(t, &s->targets, entry)
		json_array_append_new(cells, target_to_json(t));
	list_for_each(job, &s->jobs, entry)
		json_array_append_new(jobs, job_to_json(s, job, now));
	json_object_set_new(o, "cells", cells);
	json_object_set_new(o, "jobs", jobs);
	return o;
}

static json_t *describe_member(const struct relay_member *m)
{
	unsigned slots = relay_member_count_slots(m, WIRE_LEASE_UNLIMITED);
	const char *problem = m->problem ? m->problem : "not connected";
	json_t *o = json_object();

	json_object_set_new(o, "name", json_text(m->entry.name));
	json_object_set_new(o, "slots", json_integer(slots));
	json_object_set_new(
		o, "problem",
		json_text(relay_member_is_usable(m) ? NULL : problem));
	return o;
}

static json_t *slots_to_json(const struct relay *r)
{
	unsigned n_jobs = 0, n_running = 0, cores = 0;
	const struct relay_session *s;
	const struct relay_job *job;

	list_for_each(s, &r->sessions, entry) {
		n_jobs += s->n_jobs;
		list_for_each(job, &s->jobs, entry)
			n_running += is_job_running(job);
	}
	for (size_t i = 0; i < r->n_members; i++) {
		if (relay_member_is_usable(&r->members[i]))
			cores += r->members[i].conn.hello.inventory.cores;
	}
	return json_pack("{s:i, s:i, s:i, s:i}", "limit",
			 (int)relay_count_slots(r), "compilers", (int)cores,
			 "taken", (int)n_jobs, "running", (int)n_running);
}

void relay_describe(const struct relay *r, json_t *status)
{
	json_t *clients = json_array(), *members = json_array();
	const struct relay_session *s;
	unsigned n_usable = 0;
	struct wire_fit fit;

	list_for_each(s, &r->sessions, entry)
		json_array_append_new(clients, session_to_json(s));
	for (size_t i = 0; i < r->n_members; i++) {
		json_array_append_new(members, describe_member(&r->members[i]));
		n_usable += relay_member_is_usable(&r->members[i]);
	}
	relay_sum_fit(r, &fit);
	json_object_set_new(status, "fit", json_boolean(fit.usable));
	wire_fit_release(&fit);
	json_object_set_new(status, "slots", slots_to_json(r));
	json_object_set_new(status, "clients", clients);
	json_object_set_new(status, "members", members);
	json_object_set_new(status, "usable_members", json_integer(n_usable));
}
