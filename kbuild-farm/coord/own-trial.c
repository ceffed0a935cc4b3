/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a cell that uses the node's own build of a compiler.
 */
#include "coord/own.h"

#include "base/log.h"
#include "base/str.h"
#include "coord/canary.h"
#include "coord/tune.h"

#include <stdlib.h>
#include <string.h>

static void record(const struct coord_cell *cell, enum coord_canary_is is,
		   const char *detail, uint32_t cpu_ms)
{
	const struct coord_peer *p = cell->peer;
	struct coord_trust_entry e = {
		.is = is == COORD_CANARY_PASSED ? COORD_TRUST_PASSED :
						  COORD_TRUST_FAILED,
		.id = cell->own,
		.detail = (char *)detail,
		.cpu_ms = cpu_ms,
	};
	struct coord_trust_key key;
	struct err err;

	coord_own_key(&key, p, cell->toolchain, &cell->theirs);
	if (coord_trust_add(p->coord->trust, &key, &e, &err))
		log_warning("%s; the canary will run again", err.text);
}

static void refuse(struct coord_cell *cell, const char *why)
{
	struct coord_peer *p = cell->peer;

	log_warning("node %s: %s: %s", p->entry->name, cell->own, why);
	coord_emit_node(p->coord, p->entry->name, "no toolchain", why);
	coord_cell_shut(cell, why);
}

static void failed(struct coord_cell *cell, const char *file)
{
	char *why = xasprintf("canary failed: %s", file);

	refuse(cell, why);
	free(why);
}

static void use(struct coord_cell *cell)
{
	cell->state = CELL_READY;
	coord_own_tell(cell->peer, "compiles with its own", cell->own);
}

static void on_tried(struct coord_cell *cell, enum coord_canary_is is,
		     const char *detail, uint32_t cpu_ms)
{
	if (is != COORD_CANARY_BROKEN && cell->own)
		record(cell, is, detail, cpu_ms);
	if (cell->peer->coord->tune) {
		coord_tune_tried(cell, is, detail, cpu_ms);
		return;
	}
	if (is == COORD_CANARY_PASSED)
		use(cell);
	else if (is == COORD_CANARY_FAILED)
		failed(cell, detail);
	else
		refuse(cell, detail);
	coord_kick(cell->peer->coord);
}

void coord_own_try(struct coord_cell *cell, unsigned rounds)
{
	coord_canary_try(cell, rounds, on_tried);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct digest *out, const char *hex)
{
	if (strlen(hex) != DIGEST_HEX - 1)
		return false;
	for (int i = 0; i < DIGEST_SIZE; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out->b[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void coord_own_ready(struct coord_cell *cell, const char *detail)
{
	struct coord_peer *p = cell->peer;
	struct coord_trust_entry known;
	struct coord_trust_key key;

	if (!read_hex(&cell->theirs, detail)) {
		refuse(cell, "it does not say what its own build consists of");
		return;
	}
	if (p->coord->tune) {
		coord_tune_ready(cell);
		return;
	}
	coord_own_key(&key, p, cell->toolchain, &cell->theirs);
	coord_trust_find(p->coord->trust, &key, &known);
	if (known.is == COORD_TRUST_PASSED)
		use(cell);
	else if (known.is == COORD_TRUST_FAILED)
		failed(cell, known.detail);
	else
		coord_own_try(cell, 1);
	coord_trust_entry_release(&known);
}
