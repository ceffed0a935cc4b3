/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "enrol/enrol.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/printable.h"
#include "base/str.h"
#include "compiler/host.h"
#include "enrol/text.h"
#include "node/program.h"
#include "tls/pin.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PROGRAM_MAX (64u << 20) /* bytes */

static void set_variable(struct buf *out, const char *name, struct bytes text)
{
	char *copy = bytes_dup(text);

	buf_printf(out, "%s=", name);
	buf_add_shell_word(out, copy);
	buf_add_str(out, "\n");
	free(copy);
}

void enrol_script(struct buf *out, const struct enrol_wish *wish)
{
	static const enum enrol_text texts[] = {
		[ENROL_DO_INSTALL] = ENROL_INSTALL,
		[ENROL_DO_REMOVE] = ENROL_REMOVE,
		[ENROL_DO_REKEY] = ENROL_REKEY,
	};

	buf_printf(out, "kf_mode=%s\n",
		   wish->mode == ENROL_SERVICE ? "service" : "ssh");
	set_variable(out, "kf_pin", bytes_str(wish->pin));
	set_variable(out, "kf_client", bytes_str(wish->client));
	buf_printf(out, "kf_update=%s\n", wish->installed_only ? "yes" : "");
	buf_add_str(out, "kf_port=");
	if (wish->port)
		buf_printf(out, "%u", wish->port);
	buf_add_str(out, "\n");
	if (wish->what == ENROL_DO_INSTALL) {
		set_variable(out, "kf_unit", enrol_text(ENROL_UNIT));
		set_variable(out, "kf_init", enrol_text(ENROL_INIT));
		set_variable(out, "kf_openrc", enrol_text(ENROL_OPENRC));
	}
	buf_add_bytes(out, enrol_text(ENROL_COMMON));
	buf_add_bytes(out, enrol_text(texts[wish->what]));
}

/* ---------------------------------------------------------------- answers */

enum answer_kind {
	ANSWER_TEXT, /* a char * */
	ANSWER_KEY, /* the same, checked */
	ANSWER_COUNT, /* an unsigned, from 1 to `most` */
	ANSWER_YES, /* a bool */
	ANSWER_READY, /* it waits for its program */
};

#define AT(member) offsetof(struct enrol_answer, member)

static const struct answer_word {
	const char *word;
	enum answer_kind kind;
	size_t at;
	long most;
} answer_words[] = {
	{ "machine", ANSWER_TEXT, AT(machine), 0 },
	{ "rootless", ANSWER_TEXT, AT(rootless), 0 },
	{ "service", ANSWER_YES, AT(service), 0 },
	{ "have", ANSWER_TEXT, AT(program), 0 },
	{ "ready", ANSWER_READY, 0, 0 },
	{ "program", ANSWER_TEXT, AT(program), 0 },
	{ "key", ANSWER_KEY, AT(key), 0 },
	{ "port", ANSWER_COUNT, AT(port), 65535 },
	{ "user", ANSWER_TEXT, AT(user), 0 },
	{ "init", ANSWER_TEXT, AT(init), 0 },
	{ "kept", ANSWER_COUNT, AT(kept), 100000 },
	{ "removed", ANSWER_YES, AT(removed), 0 },
	{ "nothing", ANSWER_YES, AT(nothing), 0 },
	{ "done", ANSWER_YES, AT(done), 0 },
};

static int bad_answer(const char *line, struct err *err)
{
	return err_set(err, EPROTO, "\"%s\" is no answer of the script's",
		       line);
}

static void take_answer_text(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
	printable_clean(*to, strlen(*to), 0, '?');
}

/* The machine waits for its program, unless it has the same already. */
static int send_program(struct enrol_answer *a, struct node_remote_talk *talk,
			struct err *err)
{
	char *path = NULL, hex[DIGEST_HEX];
	struct buf program = { 0 }, order = { 0 };
	struct digest digest;
	int ret;

	/* Asked again and again it would all be queued. */
	if (!a->machine || a->asked)
		return bad_answer("ready", err);
	a->asked = true;
	ret = node_program_find(compiler_host_published(a->machine), &path,
				err);
	if (!ret)
		ret = fs_read(path, PROGRAM_MAX, &program, err);
	if (ret)
		goto out;
	digest_of(buf_bytes(&program), &digest);
	digest_hex(&digest, hex);
	if (str_equal(a->program, hex)) {
		buf_add_str(&order, "keep\n");
	} else {
		buf_printf(&order, "take %zu %s\n", program.len, hex);
		a->sent = program.len;
	}
	node_remote_send(talk, buf_bytes(&order));
	if (a->sent)
		node_remote_send(talk, buf_bytes(&program));
	node_remote_end_input(talk);
out:
	buf_release(&order);
	buf_release(&program);
	free(path);
	return ret;
}

static const struct answer_word *find_answer_word(const char *line)
{
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(answer_words) / sizeof(*answer_words);
	     i++) {
		const struct answer_word *w = &answer_words[i];

		if (strlen(w->word) == len && !memcmp(w->word, line, len))
			return w;
	}
	return NULL;
}

int enrol_line(void *ctx, struct node_remote_talk *talk, const char *line,
	       struct err *err)
{
	const struct answer_word *w = find_answer_word(line);
	const char *space = strchr(line, ' ');
	const char *value = space ? space + 1 : "";
	void *to = w ? (char *)ctx + w->at : NULL;
	struct digest ignored;
	long n;

	if (!w)
		return bad_answer(line, err);
	if (w->kind == ANSWER_READY)
		return send_program(ctx, talk, err);
	if (w->kind == ANSWER_YES) {
		*(bool *)to = true;
	} else if (w->kind == ANSWER_COUNT) {
		if (str_number(value, 1, w->most, &n))
			return bad_answer(line, err);
		*(unsigned *)to = (unsigned)n;
	} else {
		if (w->kind == ANSWER_KEY && !tls_pin_parse(&ignored, value))
			return bad_answer(line, err);
		take_answer_text(to, value);
	}
	return 0;
}

int enrol_answer_check(const struct enrol_answer *a, struct err *err)
{
	bool told = a->done && a->machine && a->program && a->asked;

	if (a->service)
		told = told && a->key && a->port && a->user && a->init;
	if (told)
		return 0;
	return err_set(err, EPROTO,
		       a->done ? "it did not tell all that a node has" :
				 "the script ended before all was done");
}

void enrol_answer_release(struct enrol_answer *a)
{
	free(a->machine);
	free(a->rootless);
	free(a->program);
	free(a->key);
	free(a->user);
	free(a->init);
	*a = (struct enrol_answer){ 0 };
}

char *enrol_client_name(void)
{
	const struct passwd *me = getpwuid(geteuid());
	struct utsname machine;
	char *name;

	uname(&machine);
	name = xasprintf("%s@%s", me ? me->pw_name : "kfarm", machine.nodename);
	for (char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("@._-", *p))
			*p = '_';
	}
	return name;
}
