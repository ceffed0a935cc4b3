/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/enrolment.h"
#include "cli/nodes.h"

#include "base/log.h"
#include "cli/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Only one that stands in the file which we may change. */
static int check_users_file(const struct nodes_request *r, const char *name,
			    struct err *err)
{
	char *at = r->conf ? conf_where(r->conf, "node", name, "address") :
			     NULL;
	char *file = conf_user_file();
	size_t len = strlen(file);
	int ret = 0;

	/* "FILE:LINE", perhaps of one that it includes. */
	if (at && (strncmp(at, file, len) != 0 || (at[len] && at[len] != ':')))
		ret = err_set(err, ENOENT,
			      "\"%s\" is set in %s; change that file", name,
			      at);
	free(file);
	free(at);
	return ret;
}

static void tell_removed(const char *name, const struct enrol_answer *a)
{
	if (a->nothing)
		log_info("%s: `kfarm nodes add` had installed nothing there",
			 name);
	else if (a->kept)
		log_info("%s: this machine's key is let in no more; kfarmd "
			 "stays for %u other build host%s",
			 name, a->kept, a->kept == 1 ? "" : "s");
	else
		log_info("%s: kfarmd, its key and its store are removed there",
			 name);
}

/* What was never reached: nothing can be undone, and nothing keeps it here. */
static bool is_out_of_reach(int ret)
{
	return ret == -EHOSTUNREACH || ret == -ETIMEDOUT || ret == -ENOENT;
}

/* Take away what `kfarm nodes add` brought there. */
static int undo_node(const char *name, const char *ssh, enum enrol_mode mode,
		     struct err *err)
{
	struct enrol_wish wish = { .what = ENROL_DO_REMOVE, .mode = mode };
	struct enrol_answer a = { 0 };
	int ret = enrolment_run(name, ssh, &wish, "removing kfarmd", &a, err);

	if (!ret)
		tell_removed(name, &a);
	if (is_out_of_reach(ret)) {
		log_warning("%s", err->text);
		log_warning("%s: left there: %s; to remove it, when the node "
			    "is back, `kfarm nodes add %s ssh:%s` and this "
			    "again",
			    name,
			    mode == ENROL_SSH ?
				    "~/.local/bin/kfarmd, if it was installed" :
				    "the service kfarmd, /etc/kfarm and "
				    "/var/lib/kfarm",
			    name, ssh);
		ret = 0;
	}
	enrol_answer_release(&a);
	return ret;
}

static int remove_node(struct nodes_request *r, const char *name)
{
	const char *address = NULL, *ssh = NULL;
	struct err err = { 0 };
	int ret = check_users_file(r, name, &err);

	if (r->conf) {
		address = conf_get(r->conf, "node", name, "address");
		ssh = conf_get(r->conf, "node", name, "ssh");
	}
	if (!ret && address && !r->keep &&
	    (ssh || str_starts(address, "ssh:"))) {
		bool through = str_starts(address, "ssh:");

		ret = undo_node(name, ssh ? ssh : address + strlen("ssh:"),
				through ? ENROL_SSH : ENROL_SERVICE, &err);
		if (ret)
			log_info("%s stays in the configuration; --keep takes "
				 "it out and leaves the node as it is",
				 name);
	}
	if (!ret)
		ret = conf_remove("node", name, &err);
	if (ret == -ENOENT && !address)
		err_set(&err, ENOENT, "there is no node \"%s\"", name);
	return ret ? nodes_failed(r, &err) : EXIT_OK;
}

int nodes_remove_main(struct nodes_request *r)
{
	struct err err = { 0 };
	int status = EXIT_OK;

	/* A bad value elsewhere must not keep a node from being removed. */
	if (conf_load(&r->conf, NULL, &err))
		log_warning("%s", err.text);
	for (size_t i = 0; i < r->words.n && !settings_interrupted(); i++) {
		if (remove_node(r, r->words.v[i]))
			status = EXIT_USAGE;
	}
	return status;
}
