/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "admin/enrol.h"

#include "base/digest.h"
#include "base/elf.h"
#include "base/fs.h"
#include "base/printable.h"
#include "base/process.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "compiler/host.h"
#include "node/address.h"
#include "tls/key.h"
#include "wire/limits.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum enrol_file {
	ENROL_FILE_COMMON, /* first part of the next three scripts */
	ENROL_FILE_INSTALL,
	ENROL_FILE_REMOVE,
	ENROL_FILE_REKEY,
	ENROL_FILE_SYSTEMD, /* systemd service file */
	ENROL_FILE_INIT, /* SysV init script */
	ENROL_FILE_OPENRC, /* OpenRC service script */
};

/*
 * EMBED() makes the assembler embed a file from templates/.  The path is
 * relative to make's working directory.  The Makefile lists the files as
 * prerequisites of this object.
 */

#define EMBED(symbol, name)                            \
	__asm__(".pushsection .rodata\n"               \
		"enrol_" #symbol "_begin:\n"           \
		"\t.incbin \"templates/" name "\"\n"   \
		"enrol_" #symbol "_end:\n"             \
		"\t.popsection\n");                    \
	extern const uint8_t enrol_##symbol##_begin[]  \
		__attribute__((visibility("hidden"))); \
	extern const uint8_t enrol_##symbol##_end[]    \
		__attribute__((visibility("hidden")));

#define ENROL_FILES                                           \
	X(ENROL_FILE_COMMON, common, "enrol/common.sh")       \
	X(ENROL_FILE_INSTALL, install, "enrol/install.sh")    \
	X(ENROL_FILE_REMOVE, remove, "enrol/remove.sh")       \
	X(ENROL_FILE_REKEY, rekey, "enrol/rekey.sh")          \
	X(ENROL_FILE_SYSTEMD, unit, "systemd/kfarmd.service") \
	X(ENROL_FILE_INIT, init, "enrol/kfarmd.init")         \
	X(ENROL_FILE_OPENRC, openrc, "enrol/kfarmd.openrc")

#define X(number, symbol, name) EMBED(symbol, name)
ENROL_FILES
#undef X

static struct bytes enrol_file(enum enrol_file which)
{
	static const struct {
		const uint8_t *begin, *end;
	} all[] = {
#define X(number, symbol, name) \
	[number] = { enrol_##symbol##_begin, enrol_##symbol##_end },
		ENROL_FILES
#undef X
	};

	return bytes_of(all[which].begin,
			(size_t)(all[which].end - all[which].begin));
}

/* Architectures of nodes. */
static const struct program_target {
	const char *host; /* HOST in the file name kfarmd-HOST */
	const char *uname; /* uname -m */
	uint16_t machine;
	bool wide;
} program_target[] = {
	{ "x86_64", "x86_64", EM_X86_64, true },
	{ "arm64", "aarch64", EM_AARCH64, true },
	{ "arm", "armv7l", EM_ARM, false },
	{ "riscv64", "riscv64", EM_RISCV, true },
};

static const struct program_target *find_program_target(const char *host)
{
	for (size_t i = 0; i < ARRAY_SIZE(program_target); i++) {
		if (!strcmp(program_target[i].host, host))
			return &program_target[i];
	}
	return NULL;
}

/*
 * Check that a program is complete and built for the architecture `m`.  Stores
 * in *is_static whether it is a static executable.
 */
static int check_program(const struct program_target *m, const char *path,
			 bool *is_static, struct err *err)
{
	struct elf_program elf;
	int ret = elf_program_read(&elf, path, err);

	if (ret)
		return ret == -ENOEXEC ? -EINVAL : ret;
	if (elf.file.machine != m->machine || elf.file.is_64bit != m->wide ||
	    elf.file.big_endian)
		ret = err_set(err, EINVAL, "%s: not an executable for %s", path,
			      m->host);
	*is_static = elf.file.type == ET_EXEC && !elf.interpreter;
	elf_program_release(&elf);
	return ret;
}

/*
 * Return true if `path` is a kfarmd for the architecture.  A dynamically linked
 * kfarmd is accepted, too, although a node can start such a program only if the
 * node has the shared libraries.
 */
static bool is_usable_kfarmd(const struct program_target *m, const char *path)
{
	struct err ignored = { 0 };
	bool is_static;

	return m && fs_exists(path) &&
	       !check_program(m, path, &is_static, &ignored);
}

int admin_kfarmd_program_find_near(const char *kfarm, const char *host,
				   char **path, struct err *err)
{
	const struct program_target *m = find_program_target(host);
	char *dir = str_dir(kfarm), *up = str_dir(dir);
	char *built = xasprintf("%s/nodes/kfarmd-%s", dir, host);
	char *installed = xasprintf("%s/lib/kfarm/nodes/kfarmd-%s",
				    strcmp(up, "/") ? up : "", host);
	char *own = xasprintf("%s/kfarmd", dir);
	char **found = fs_exists(built)         ? &built :
		       fs_exists(installed)     ? &installed :
		       is_usable_kfarmd(m, own) ? &own :
						  NULL;
	bool is_static = false;
	int ret;

	if (!m)
		ret = err_set(err, ENOENT,
			      "no prebuilt kfarmd for %s; build kfarmd on the "
			      "node",
			      host);
	else if (!found)
		ret = err_set(
			err, ENOENT,
			"no kfarmd for %s: neither %s nor %s exists; run "
			"`make nodes NODE_HOSTS=%s` in the source tree of "
			"kfarm, then `make install` if kfarm is installed",
			host, built, installed, host);
	else
		ret = check_program(m, *found, &is_static, err);
	if (!ret && found && found != &own && !is_static)
		ret = err_set(err, EINVAL,
			      "%s: not a statically linked executable", *found);
	if (!ret && found) {
		*path = *found;
		*found = NULL;
	}
	free(own);
	free(installed);
	free(built);
	free(up);
	free(dir);
	return ret;
}

/*
 * Find the kfarmd program for `host`, which is a result of
 * compiler_host_release_name(): "x86_64", "arm64", "arm" or "riscv64".  The
 * program for "arm" is built for Debian's armhf (ARMv7 with an FPU) and does
 * not run on armv6l.
 *
 * Returns 0 and *path, which the caller frees; -ENOENT if no program exists;
 * -EINVAL if the file is damaged, is built for another architecture, or is not
 * static although it must be.  `err` contains the problem and, for -ENOENT,
 * advice.
 */
static int find_kfarmd_program(const char *host, char **path, struct err *err)
{
	char *self = process_program_path();
	int ret = self ? admin_kfarmd_program_find_near(self, host, path, err) :
			 err_errno(err, "/proc/self/exe");

	free(self);
	return ret;
}

#define PROGRAM_MAX (64u << 20) /* bytes */

/* Append the assignment of a shell variable. */
static void set_variable(struct buf *out, const char *name, struct bytes text)
{
	char *copy = bytes_dup(text);

	buf_printf(out, "%s=", name);
	buf_add_shell_word(out, copy);
	buf_add_str(out, "\n");
	free(copy);
}

void admin_enrol_add_script(struct buf *out,
			    const struct admin_enrol_options *wish)
{
	static const enum enrol_file texts[] = {
		[ADMIN_ENROL_ACTION_INSTALL] = ENROL_FILE_INSTALL,
		[ADMIN_ENROL_ACTION_REMOVE] = ENROL_FILE_REMOVE,
		[ADMIN_ENROL_ACTION_REKEY] = ENROL_FILE_REKEY,
	};

	buf_printf(out, "kf_mode=%s\n",
		   wish->mode == ADMIN_ENROL_MODE_SERVICE ? "service" : "ssh");
	set_variable(out, "kf_pin", bytes_str(wish->fingerprint));
	set_variable(out, "kf_client", bytes_str(wish->client_name));
	buf_printf(out, "kf_update=%s\n", wish->installed_only ? "yes" : "");
	buf_add_str(out, "kf_port=");
	if (wish->port)
		buf_printf(out, "%u", wish->port);
	buf_add_str(out, "\n");
	if (wish->action == ADMIN_ENROL_ACTION_INSTALL) {
		set_variable(
			out, "kf_nodes",
			bytes_str(wish->other_nodes ? wish->other_nodes : ""));
		set_variable(out, "kf_remove", enrol_file(ENROL_FILE_REMOVE));
		set_variable(out, "kf_unit", enrol_file(ENROL_FILE_SYSTEMD));
		set_variable(out, "kf_init", enrol_file(ENROL_FILE_INIT));
		set_variable(out, "kf_openrc", enrol_file(ENROL_FILE_OPENRC));
	}
	buf_add_bytes(out, enrol_file(ENROL_FILE_COMMON));
	buf_add_bytes(out, enrol_file(texts[wish->action]));
}

/* -------------------------------------------------------------- answers */

/*
 * The script prints one answer per line, WORD or WORD VALUE.  After the answer
 * "ready", the script waits for input from kfarm: "keep" if the node already
 * has the program, otherwise "take SIZE SHA256" followed by the program.
 */
enum reply_kind {
	REPLY_KIND_TEXT, /* char * */
	REPLY_KIND_FINGERPRINT, /* char *, a syntactically valid fingerprint */
	REPLY_KIND_NUMBER, /* unsigned, from 1 to `max` */
	REPLY_KIND_FLAG, /* bool */
	REPLY_KIND_READY, /* no value; the script waits for the program */
};

#define RESULT_OFFSET(member) offsetof(struct admin_enrol_result, member)

static const struct reply_word {
	const char *word;
	enum reply_kind kind;
	size_t offset;
	long max;
} reply_words[] = {
	{ "machine", REPLY_KIND_TEXT, RESULT_OFFSET(machine), 0 },
	{ "rootless", REPLY_KIND_TEXT, RESULT_OFFSET(rootless), 0 },
	{ "service", REPLY_KIND_FLAG, RESULT_OFFSET(is_service), 0 },
	{ "have", REPLY_KIND_TEXT, RESULT_OFFSET(program), 0 },
	{ "ready", REPLY_KIND_READY, 0, 0 },
	{ "program", REPLY_KIND_TEXT, RESULT_OFFSET(program), 0 },
	{ "key", REPLY_KIND_FINGERPRINT, RESULT_OFFSET(fingerprint), 0 },
	{ "port", REPLY_KIND_NUMBER, RESULT_OFFSET(port), 65535 },
	{ "user", REPLY_KIND_TEXT, RESULT_OFFSET(user), 0 },
	{ "init", REPLY_KIND_TEXT, RESULT_OFFSET(init), 0 },
	{ "taken", REPLY_KIND_TEXT, RESULT_OFFSET(taken_dir), 0 },
	{ "kept", REPLY_KIND_NUMBER, RESULT_OFFSET(n_other_clients), 100000 },
	{ "removed", REPLY_KIND_FLAG, RESULT_OFFSET(removed), 0 },
	{ "nothing", REPLY_KIND_FLAG, RESULT_OFFSET(not_installed), 0 },
	{ "done", REPLY_KIND_FLAG, RESULT_OFFSET(completed), 0 },
};

static int set_bad_reply(const char *line, struct err *err)
{
	return err_set(err, EPROTO,
		       "unexpected output of the script on the node: \"%s\"",
		       line);
}

/*
 * Check that the program has the version of this kfarm, because a source tree
 * or an installation can contain the kfarmd of an earlier version.
 */
static int check_version(const char *path, const char *host,
			 struct bytes program, struct err *err)
{
	static const char version[] = WIRE_KFARMD_VERSION;

	if (memmem(program.data, program.len, version, strlen(version)))
		return 0;
	return err_set(
		err, EINVAL,
		"%s: not %s, the version that this kfarm requires; run "
		"`make nodes NODE_HOSTS=%s` in the source tree of kfarm, then "
		"`make install` if kfarm is installed",
		path, version, host);
}

/* Send the program, unless the node already has an identical file. */
static int send_program(struct admin_enrol_result *a,
			struct admin_remote_script_session *talk,
			struct err *err)
{
	char *path = NULL, hex[DIGEST_HEX];
	struct buf program = { 0 }, order = { 0 };
	const char *host;
	struct digest digest;
	int ret;

	/* A repeated "ready" would queue the program again. */
	if (!a->machine || a->program_requested)
		return set_bad_reply("ready", err);
	a->program_requested = true;
	host = compiler_host_release_name(a->machine);
	ret = find_kfarmd_program(host, &path, err);
	if (!ret)
		ret = fs_read(path, PROGRAM_MAX, &program, err);
	if (!ret)
		ret = check_version(path, host, buf_bytes(&program), err);
	if (ret)
		goto out;
	digest_bytes(buf_bytes(&program), &digest);
	digest_format(&digest, hex);
	if (str_equal(a->program, hex)) {
		buf_add_str(&order, "keep\n");
	} else {
		buf_printf(&order, "take %zu %s\n", program.len, hex);
		a->sent_bytes = program.len;
	}
	admin_remote_script_send(talk, buf_bytes(&order));
	if (a->sent_bytes)
		admin_remote_script_send(talk, buf_bytes(&program));
	admin_remote_script_close_input(talk);
out:
	buf_release(&order);
	buf_release(&program);
	free(path);
	return ret;
}

/* Return the entry for the first word of the line, or NULL. */
static const struct reply_word *find_reply_word(const char *line)
{
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < ARRAY_SIZE(reply_words); i++) {
		const struct reply_word *w = &reply_words[i];

		if (strlen(w->word) == len && !memcmp(w->word, line, len))
			return w;
	}
	return NULL;
}

int admin_enrol_on_line(void *ctx, struct admin_remote_script_session *talk,
			const char *line, struct err *err)
{
	const struct reply_word *w = find_reply_word(line);
	const char *space = strchr(line, ' ');
	const char *value = space ? space + 1 : "";
	void *to = w ? (char *)ctx + w->offset : NULL;
	struct digest ignored;
	char **text;
	long n;

	if (!w)
		return set_bad_reply(line, err);
	if (w->kind == REPLY_KIND_READY)
		return send_program(ctx, talk, err);
	if (w->kind == REPLY_KIND_FLAG) {
		*(bool *)to = true;
	} else if (w->kind == REPLY_KIND_NUMBER) {
		if (str_parse_number(value, 1, w->max, &n))
			return set_bad_reply(line, err);
		*(unsigned *)to = (unsigned)n;
	} else {
		if (w->kind == REPLY_KIND_FINGERPRINT &&
		    !tls_key_parse_fingerprint(&ignored, value))
			return set_bad_reply(line, err);
		text = to;
		free(*text);
		*text = xstrdup(value);
		printable_replace(*text, strlen(*text), 0, '?');
	}
	return 0;
}

int admin_enrol_result_check(const struct admin_enrol_result *a,
			     struct err *err)
{
	bool complete = a->completed && a->machine && a->program &&
			a->program_requested;

	if (a->is_service)
		complete = complete && a->fingerprint && a->port && a->user &&
			   a->init;
	if (complete)
		return 0;
	return err_set(err, EPROTO,
		       a->completed ?
			       "incomplete output of the script on the node" :
			       "the script on the node ended early");
}

void admin_enrol_result_release(struct admin_enrol_result *a)
{
	free(a->machine);
	free(a->rootless);
	free(a->program);
	free(a->fingerprint);
	free(a->user);
	free(a->init);
	free(a->taken_dir);
	*a = (struct admin_enrol_result){ 0 };
}

char *admin_enrol_client_name(void)
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

static unsigned default_port(void)
{
	return (unsigned)atoi(NODE_TLS_PORT);
}

/* Return the host in `ssh`, which is "[USER@]HOST". */
static const char *find_host(const char *ssh)
{
	const char *at = strrchr(ssh, '@');

	return at ? at + 1 : ssh;
}

/* Return the host, in brackets if it is an IPv6 address. */
static char *format_host(const char *host)
{
	bool ipv6 = strchr(host, ':');

	return xasprintf("%s%s%s", ipv6 ? "[" : "", host, ipv6 ? "]" : "");
}

/* Return "tls:HOST[:PORT]".  The port is omitted if it is 0 or the default. */
static char *format_tls_address(const char *host, unsigned port)
{
	char *word = format_host(host), *address;

	if (port && port != default_port())
		address = xasprintf("tls:%s:%u", word, port);
	else
		address = xasprintf("tls:%s", word);
	free(word);
	return address;
}

#define SSH_CONFIG_MS  10000
#define SSH_CONFIG_MAX (1u << 20) /* bytes of the output of ssh -G */

int admin_enrol_address(const char *ssh, unsigned port, char **out,
			struct err *err)
{
	char *const argv[] = { "ssh", "-G", (char *)ssh, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	static const char key[] = "\nhostname ";
	struct buf text = { 0 };
	const char *value;
	char *host = NULL;
	int status = 0;
	int ret;

	buf_add_str(&text, "\n");
	ret = spawn_collect_stdout(&what, SSH_CONFIG_MAX, SSH_CONFIG_MS, &text,
				   &status, err);
	value = !ret && !status ? strstr(buf_str(&text), key) : NULL;
	if (value) {
		value += strlen(key);
		host = xstrndup(value, strcspn(value, "\n"));
	}
	/* ssh before 6.8 has no option -G, so use the host in `ssh`. */
	if (!ret && !host)
		host = xstrdup(find_host(ssh));
	if (!ret)
		*out = format_tls_address(host, port);
	free(host);
	buf_release(&text);
	return ret;
}

/* Append a copy command for each available program. */
static void add_copy_commands(struct buf *out, const char *ssh, const char *to)
{
	const char *host = find_host(ssh);
	char *word = format_host(host);
	char *dest = xasprintf("%.*s%s:%s", (int)(host - ssh), ssh, word, to);

	buf_printf(out,
		   "# On this machine, one of these, according to "
		   "`ssh %s uname -m`:\n",
		   ssh);
	for (size_t i = 0; i < ARRAY_SIZE(program_target); i++) {
		const struct program_target *t = &program_target[i];
		struct err why = { 0 };
		char *path = NULL;

		if (find_kfarmd_program(t->host, &path, &why)) {
			buf_printf(out, "# %s: %s\n", t->uname, why.text);
			continue;
		}
		buf_add_str(out, "scp ");
		buf_add_shell_word(out, path);
		buf_add_str(out, " ");
		buf_add_shell_word(out, dest);
		buf_printf(out, "\t# %s\n", t->uname);
		free(path);
	}
	free(dest);
	free(word);
}

/* Append the commands that root runs on a machine with systemd. */
static void add_service_setup(struct buf *out,
			      const struct admin_enrol_options *wish)
{
	/*
	 * Path of kfarmd in the packaged service file.  Replace this path by
	 * /usr/local/bin/kfarmd, where a manual installation puts kfarmd.
	 */
	static const char packaged[] = "/usr/bin/kfarmd";
	char *unit = bytes_dup(enrol_file(ENROL_FILE_SYSTEMD));
	char *at = strstr(unit, packaged);

	buf_printf(out,
		   "\n# On the node, as root:\n"
		   "chmod 755 /usr/local/bin/kfarmd\n"
		   "useradd --system --user-group --no-create-home kfarm\n"
		   "mkdir -p /etc/kfarm\n"
		   "kfarmd --config /etc/kfarm --init\n"
		   "chown kfarm /etc/kfarm/key.pem\n"
		   "echo '%s %s' >>/etc/kfarm/clients\n"
		   "printf '[node]\\n\\tlisten = %%s\\n' %u >>"
		   "/etc/kfarm/node.conf\n"
		   "cat >/etc/systemd/system/kfarmd.service <<'END'\n",
		   wish->fingerprint, wish->client_name,
		   wish->port ? wish->port : default_port());
	buf_add(out, unit, at ? (size_t)(at - unit) : strlen(unit));
	if (at)
		buf_printf(out, "/usr/local/bin/kfarmd%s",
			   at + strlen(packaged));
	free(unit);
	buf_add_str(out, "END\n"
			 "# If `kfarmd --check` succeeds as root, but fails "
			 "as the user kfarm\n"
			 "# (`su -s /bin/sh kfarm -c 'kfarmd --check'`), "
			 "run\n"
			 "# `chown root /etc/kfarm/key.pem` and set in "
			 "kfarmd.service:\n"
			 "#   User=root\n"
			 "#   CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SETUID "
			 "CAP_SETGID CAP_SETPCAP CAP_KILL\n"
			 "systemctl daemon-reload\n"
			 "systemctl enable --now kfarmd\n"
			 "# Without systemd, start this at boot as the user "
			 "kfarm:\n"
			 "#   XDG_DATA_HOME=/var/lib kfarmd --config "
			 "/etc/kfarm\n");
}

/* Append a command that sets node.NAME.KEY in the configuration. */
static void add_config_command(struct buf *out, const char *name,
			       const char *key, const char *prefix,
			       const char *value)
{
	buf_printf(out,
		   "git config -f ~/.config/kfarm/config node.%s.%s %s%s\n",
		   name, key, prefix, value);
}

void admin_enrol_manual_add(struct buf *out, const char *name, const char *ssh,
			    const struct admin_enrol_options *wish)
{
	char *address;

	if (wish->mode == ADMIN_ENROL_MODE_SSH) {
		add_copy_commands(out, ssh, ".local/bin/kfarmd");
		buf_printf(out,
			   "\n# On the node; run `mkdir -p ~/.local/bin` "
			   "before copying:\n"
			   "chmod 755 ~/.local/bin/kfarmd\n"
			   "\n# On this machine, for the configuration:\n");
		add_config_command(out, name, "address", "ssh:", ssh);
		if (wish->slots)
			add_config_command(out, name, "slots", "", wish->slots);
		if (wish->codec)
			add_config_command(out, name, "codec", "", wish->codec);
		return;
	}
	add_copy_commands(out, ssh, "/usr/local/bin/kfarmd");
	add_service_setup(out, wish);
	buf_printf(out,
		   "\n# On this machine, with the key that --init "
		   "printed:\n"
		   "kfarm nodes add %s ",
		   name);
	address = format_tls_address(find_host(ssh), wish->port);
	buf_add_shell_word(out, address);
	free(address);
	buf_add_str(out, " --key SHA256:...");
	if (wish->slots)
		buf_printf(out, " --slots %s", wish->slots);
	if (wish->codec)
		buf_printf(out, " --codec %s", wish->codec);
	buf_add_str(out, "\n");
}
