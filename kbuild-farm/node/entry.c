/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/entry.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void node_entry_release(struct node_entry *e)
{
	free(e->name);
	free(e->address_text);
	free(e->ssh);
	free(e->site);
	free(e->list);
	node_address_release(&e->address);
}

bool node_entry_is_local(const struct node_entry *e)
{
	return !e->pool && (e->address.kind == NODE_ADDRESS_EXEC ||
			    e->address.kind == NODE_ADDRESS_UNIX);
}

/* Check a name; `what` is its kind: "node", "site" or "team". */
static int check_letters(const char *what, const char *name, struct err *err)
{
	size_t n = 0;

	while (isalnum((unsigned char)name[n]) ||
	       (name[n] && strchr("._-", name[n])))
		n++;
	if (!n || name[n] || n > NODE_NAME_MAX || name[0] == '-')
		return err_set(err, EINVAL,
			       "invalid %s name \"%s\": expected up to %d "
			       "letters, digits and . _ -, without a leading "
			       "dash",
			       what, name, NODE_NAME_MAX);
	return 0;
}

int node_entry_check_site(const char *site, struct err *err)
{
	return check_letters("site", site, err);
}

int node_entry_check_team(const char *team, struct err *err)
{
	return check_letters("team", team, err);
}

int node_entry_check_name(const char *name, struct err *err)
{
	int ret = check_letters("node", name, err);

	if (ret)
		return ret;
	/* Events and summaries use this name for the build host. */
	if (!strcmp(name, "local"))
		return err_set(err, EINVAL,
			       "invalid node name \"local\": reserved for this "
			       "machine");
	return 0;
}
