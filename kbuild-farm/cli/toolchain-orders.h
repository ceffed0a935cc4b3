/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/toolchain-orders.h - toolchains that are to be installed, a few of them
 * at once, with progress on stderr.
 */
#ifndef CLI_TOOLCHAIN_ORDERS_H
#define CLI_TOOLCHAIN_ORDERS_H

#include "cli/toolchain.h"
#include "toolchain/install.h"

struct toolchain_ordered {
	struct toolchain_order order;
	char *id;
	struct toolchain_installed out; /* when ret is 0 */
	bool had; /* it was installed before */
	int ret;
	struct err err;
	struct strv notes;
	/* What `order` borrows. */
	struct strv text;
	struct digest sha256;
	bool sha256_given;
	/* For its thread. */
	struct progress *progress;
	size_t row;
};

/* A zeroed one is empty. */
struct toolchain_orders {
	struct toolchain_ordered *v;
	size_t n;
};

void toolchain_orders_release(struct toolchain_orders *list);
/* An archive of the catalog; one that is there already is not added. */
void toolchain_orders_add(struct toolchain_orders *list,
			  const struct toolchain_request *r,
			  const struct toolchain_archive *a);
/*
 * The same for what is installed already and needs no catalog; false when
 * there is no such one.
 */
bool toolchain_orders_have(struct toolchain_orders *list, const char *data,
			   const struct toolchain_installed_list *installed,
			   const struct toolchain_release *release,
			   const struct strv *triplets, const char *host);
/* The archive of --file, with --sha256; *out is borrowed. */
int toolchain_orders_file(struct toolchain_orders *list,
			  const struct toolchain_request *r,
			  struct toolchain_order **out, struct err *err);
/* Install all: each has `ret`, and `out` or `err`, afterwards. */
void toolchain_orders_run(struct toolchain_orders *list);

#endif
