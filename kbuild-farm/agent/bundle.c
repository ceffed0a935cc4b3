/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/bundle.h"

#include "agent/agent.h"
#include "agent/tool-stage.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

struct agent_bundle {
	struct agent_dest dest;
	struct agent_record record;
	char *json;
	bool held; /* all of it is here already */
	struct agent_kept_index *index; /* what other toolchains have */
	struct agent_tool_stage *stage; /* NULL: not begun */
};

static struct agent_bundle *bundle_of(struct agent_dest *p)
{
	/* `dest` is the first member. */
	return (struct agent_bundle *)(void *)p;
}

static int open_bundle(struct agent_dest *p, struct err *err)
{
	struct agent_bundle *b = bundle_of(p);

	(void)err;
	b->held = agent_kept_has(p->agent->kept, b->record.id, &b->record.tree);
	b->index = agent_kept_index(p->agent->kept);
	return 0;
}

static int add_to_record(struct agent_dest *p, const struct agent_view *v,
			 struct err *err)
{
	struct agent_record *r = &bundle_of(p)->record;
	int ret = 0;

	if (v->m.part == WIRE_PART_TREE)
		return err_set(err, EINVAL, "%s: files that are none of it",
			       r->id);
	/* Paths have a '/' in front. */
	for (uint32_t i = 0; i < v->m.n && !ret; i++)
		ret = agent_record_add(r, v->entries[i].path + 1,
				       &v->m.entries[i].inode, err);
	return ret;
}

/* Is it a toolchain, and is there room for it? */
static int judge_record(struct agent_dest *p, struct err *err)
{
	struct agent_bundle *b = bundle_of(p);
	int ret = agent_record_judge(&b->record, err);

	if (ret || b->held)
		return ret;
	return agent_tool_stage_new(p->agent->kept, &b->stage, b->record.bytes,
				    b->record.entries.n, err);
}

/* Still lacking is what neither the store nor another toolchain has. */
static int look_for_blobs(struct agent_dest *p, struct agent_view *v,
			  struct err *err)
{
	const struct agent_bundle *b = bundle_of(p);
	int ret;

	if (b->held) {
		v->looked = true;
		return 0;
	}
	ret = agent_view_look(v, err);
	for (uint32_t i = 0; i < v->m.n && !ret; i++) {
		struct agent_view_entry *e = &v->entries[i];

		if (!e->lacks)
			continue;
		if (atomic_load(&p->stop))
			return err_set(err, ECANCELED, "not wanted any more");
		e->pinned = !agent_kept_supply(b->index, p->agent->store,
					       &v->m.entries[i].inode.digest,
					       v->m.entries[i].inode.size);
		e->lacks = !e->pinned;
	}
	return ret;
}

static int stage_files(struct agent_dest *p, struct agent_view *v,
		       struct err *err)
{
	struct agent_bundle *b = bundle_of(p);
	int ret;

	if (b->held) {
		v->next = v->m.n;
		return 0;
	}
	ret = agent_view_apply(v, agent_tool_stage_put, b->stage, err);
	if (ret && ret != -EBADMSG) {
		agent_tool_stage_free(b->stage);
		b->stage = NULL;
	}
	return ret;
}

static int publish_bundle(struct agent_dest *p, struct err *err)
{
	struct agent_bundle *b = bundle_of(p);
	int ret = 0;

	if (!b->held)
		ret = agent_tool_stage_publish(b->stage, &b->record, b->json,
					       &p->stop, err);
	agent_tool_stage_free(b->stage);
	b->stage = NULL;
	digest_hex(&b->record.tree, p->detail);
	if (!ret)
		log_info("toolchain %s: kept", b->record.id);
	return ret;
}

static void free_bundle(struct agent_dest *p)
{
	struct agent_bundle *b = bundle_of(p);

	agent_kept_index_free(b->index);
	agent_tool_stage_free(b->stage);
	agent_record_release(&b->record);
	free(b->json);
	free(b);
}

static const struct agent_dest_kind kind = {
	.name = "bundle",
	.is_whole = true,
	.open = open_bundle,
	.take = add_to_record,
	.judge = judge_record,
	.look = look_for_blobs,
	.apply = stage_files,
	.finish = publish_bundle,
	.free = free_bundle,
};

struct agent_dest *agent_bundle_new(struct agent *a, struct wire_bundle *m,
				    struct agent_blobs *blobs,
				    const struct agent_dest_ops *ops, void *ctx)
{
	struct agent_bundle *b = xcalloc(1, sizeof(*b));

	b->record.id = m->id;
	b->record.host = m->host;
	b->record.tree = m->tree;
	b->record.same_as = m->same_as;
	b->json = m->json;
	m->id = m->host = m->json = NULL;
	agent_dest_init(&b->dest, &kind, a, m->bundle, blobs, ops, ctx);
	return &b->dest;
}
