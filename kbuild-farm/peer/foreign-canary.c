/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a cell that uses the node's own build of a compiler.
 */
#include "peer/foreign.h"

#include "base/log.h"
#include "base/str.h"
#include "peer/canary.h"
#include "peer/tune.h"

#include <stdlib.h>

static void record(const struct peer_cell *cell, enum peer_canary_is is,
		   const char *detail, uint32_t cpu_ms)
{
	const struct peer *p = cell->peer;
	struct peer_canary_db_entry e = {
		.is = is == PEER_CANARY_PASSED ? PEER_CANARY_DB_PASSED :
						 PEER_CANARY_DB_FAILED,
		.id = cell->own,
		.detail = (char *)detail,
		.cpu_ms = cpu_ms,
	};
	struct peer_canary_db_key key;
	struct err err;

	peer_foreign_key(&key, p, cell->toolchain, &cell->theirs);
	if (peer_canary_db_add(p->coord->trust, &key, &e, &err))
		log_warning("%s; the canary will run again", err.text);
}

static void refuse(struct peer_cell *cell, const char *why)
{
	struct peer *p = cell->peer;

	log_warning("node %s: %s: %s", p->entry->name, cell->own, why);
	coord_emit_node(p->coord, p->entry->name, "no toolchain", why);
	peer_cell_shut(cell, why);
}

static void failed(struct peer_cell *cell, const char *file)
{
	char *why = xasprintf("canary failed: %s", file);

	refuse(cell, why);
	free(why);
}

static void use(struct peer_cell *cell)
{
	cell->state = CELL_READY;
	peer_foreign_tell(cell->peer, "compiles with its own", cell->own);
}

static void on_tried(struct peer_cell *cell, enum peer_canary_is is,
		     const char *detail, uint32_t cpu_ms)
{
	if (is != PEER_CANARY_BROKEN && cell->own)
		record(cell, is, detail, cpu_ms);
	if (cell->peer->coord->tune) {
		peer_tune_tried(cell, is, detail, cpu_ms);
		return;
	}
	if (is == PEER_CANARY_PASSED)
		use(cell);
	else if (is == PEER_CANARY_FAILED)
		failed(cell, detail);
	else
		refuse(cell, detail);
	coord_kick(cell->peer->coord);
}

void peer_foreign_try(struct peer_cell *cell, unsigned rounds)
{
	peer_canary_try(cell, rounds, on_tried);
}

void peer_foreign_ready(struct peer_cell *cell, const char *detail)
{
	struct peer *p = cell->peer;
	struct peer_canary_db_entry known;
	struct peer_canary_db_key key;

	if (!digest_parse(&cell->theirs, detail)) {
		refuse(cell, "it does not say what its own build consists of");
		return;
	}
	if (p->coord->tune) {
		peer_tune_ready(cell);
		return;
	}
	peer_foreign_key(&key, p, cell->toolchain, &cell->theirs);
	peer_canary_db_find(p->coord->trust, &key, &known);
	if (known.is == PEER_CANARY_DB_PASSED)
		use(cell);
	else if (known.is == PEER_CANARY_DB_FAILED)
		failed(cell, known.detail);
	else
		peer_foreign_try(cell, 1);
	peer_canary_db_entry_release(&known);
}
