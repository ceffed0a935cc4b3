/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: admin */
/* The script that enrols a node, and the parser of its output. */
#include "admin/enrol.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/spawn.h"

#define PIN "SHA256:w9QmI9jSFSZpABbegFVM8lCp2iPIwim8Qli0OD7Ex1E"

static char dir[TEMPDIR_SIZE];

static void set_up(void)
{
	tempdir_make(dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

/* Parse the lines of `text`. */
static int parse_lines(struct admin_enrol_result *a, const char *text,
		       struct err *err)
{
	struct bytes rest = bytes_str(text);
	int ret = 0;

	*a = (struct admin_enrol_result){ 0 };
	while (!ret && rest.len) {
		char *line = bytes_dup(bytes_take_line(&rest));

		ret = admin_enrol_on_line(a, NULL, line, err);
		free(line);
	}
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(the_output_of_an_enrolment_is_parsed)
{
	struct admin_enrol_result a;
	struct err err = { 0 };

	must(parse_lines(&a,
			 "machine armv7l\nservice\nprogram /x/kfarmd\n"
			 "key " PIN "\nport 4000\nuser kfarm\n"
			 "init rc.local\ndone\n",
			 &err));
	ck_assert_str_eq(a.machine, "armv7l");
	ck_assert(a.is_service && a.completed && !a.removed &&
		  !a.not_installed);
	ck_assert_str_eq(a.program, "/x/kfarmd");
	ck_assert_str_eq(a.fingerprint, PIN);
	ck_assert_uint_eq(a.port, 4000);
	ck_assert_str_eq(a.user, "kfarm");
	ck_assert_str_eq(a.init, "rc.local");
	admin_enrol_result_release(&a);
	must(parse_lines(&a, "kept 3\ndone\n", &err));
	ck_assert_uint_eq(a.n_other_clients, 3);
	admin_enrol_result_release(&a);
}

static const char *const refused[] = {
	"",
	"hello",
	"donee",
	"key",
	"key SHA256:short",
	"key SHA256:w9QmI9jSFSZpABbegFVM8lCp2iPIwim8Qli0OD7Ex1$",
	"port",
	"port 0",
	"port 65536",
	"port -1",
	"kept x",
	"ready", /* lacks the machine */
};

TEST_EACH(unexpected_output_of_the_script_is_rejected, refused)
{
	struct admin_enrol_result a = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(admin_enrol_on_line(&a, NULL, *row, &err), -EPROTO);
	text_has(err.text, "unexpected output of the script");
	admin_enrol_result_release(&a);
}

/* Each program would queue megabytes for a node that does not read. */
TEST(a_second_request_for_the_program_is_rejected)
{
	struct admin_enrol_result a = { .program_requested = true };
	struct err err = { 0 };

	must(admin_enrol_on_line(&a, NULL, "machine x86_64", &err));
	ck_assert_int_eq(admin_enrol_on_line(&a, NULL, "ready", &err), -EPROTO);
	text_has(err.text, "unexpected output of the script");
	admin_enrol_result_release(&a);
}

static const char *const incomplete[] = {
	"done\n",
	"service\ndone\n",
	"machine x\nprogram /x\nservice\ndone\n",
	"machine x\nprogram /x\nservice\nkey " PIN "\nport 7\ndone\n",
	"machine x\nprogram /x\nkey " PIN "\nport 7\nuser u\ninit i\n",
};

TEST_EACH(an_incomplete_enrolment_result_is_rejected, incomplete)
{
	struct admin_enrol_result a;
	struct err err = { 0 };

	must(parse_lines(&a, *row, &err));
	a.program_requested = true;
	ck_assert_int_eq(admin_enrol_result_check(&a, &err), -EPROTO);
	admin_enrol_result_release(&a);
	must(parse_lines(&a,
			 "machine x\nservice\nprogram /x\nkey " PIN
			 "\nport 7\nuser u\ninit i\ndone\n",
			 &err));
	ck_assert_int_eq(admin_enrol_result_check(&a, &err), -EPROTO);
	a.program_requested = true;
	must(admin_enrol_result_check(&a, &err));
	admin_enrol_result_release(&a);
}

TEST(a_machine_without_a_prebuilt_kfarmd_is_rejected)
{
	struct admin_enrol_result a;
	struct err err = { 0 };

	ck_assert_int_eq(parse_lines(&a, "machine ../../mips\nready\n", &err),
			 -ENOENT);
	text_has(err.text, "no prebuilt kfarmd for ../../mips");
	admin_enrol_result_release(&a);
}

TEST(control_characters_of_a_node_are_replaced)
{
	struct admin_enrol_result a;
	struct err err = { 0 };

	must(parse_lines(&a, "machine x\033[2Jy\n", &err));
	ck_assert_str_eq(a.machine, "x?[2Jy");
	admin_enrol_result_release(&a);
}

static const enum admin_enrol_action whats[] = { ADMIN_ENROL_ACTION_INSTALL,
						 ADMIN_ENROL_ACTION_REMOVE,
						 ADMIN_ENROL_ACTION_REKEY };

/* Names are quoted, so that the shell does not execute them. */
TEST_EACH(the_script_assigns_the_quoted_options_to_variables, whats)
{
	struct admin_enrol_options wish = { .action = *row,
					    .fingerprint = PIN,
					    .client_name = "it's $(reboot) `x`",
					    .port = 77 };
	char *path = xasprintf("%s/script", dir), *line = NULL;
	char *const argv[] = { "sh", "-n", path, NULL };
	char *const show[] = { "sh", path, NULL };
	struct spawn check = { .argv = argv, .stdio_fds = { -1, -1, 2 } };
	struct buf script = { 0 }, head = { 0 };
	struct err err = { 0 };
	int status = 1;

	admin_enrol_add_script(&script, &wish);
	must(fs_write(path, buf_bytes(&script), 0644, &err));
	must(spawn_collect_stdout(&check, 1 << 16, 60000, &head, &status,
				  &err));
	ck_assert_int_eq(status, 0);
	buf_reset(&head);
	/* Run the first lines and print their variables. */
	buf_add(&head, script.data,
		(size_t)(strstr(buf_str(&script), "\n# SPDX") + 1 -
			 buf_str(&script)));
	buf_add_str(&head, "echo \"$kf_mode/$kf_pin/$kf_client/$kf_port\"\n");
	must(fs_write(path, buf_bytes(&head), 0644, &err));
	must(spawn_first_line(show, NULL, 60000, &line, &err));
	ck_assert_str_eq(line, "service/" PIN "/it's $(reboot) `x`/77");
	free(line);
	buf_release(&head);
	buf_release(&script);
	free(path);
}

TEST(manual_instructions_contain_the_commands_and_the_port)
{
	static const char *const words[] = {
		"`ssh root@b1 uname -m`",
		"kfarmd --config /etc/kfarm --init\n",
		"echo '" PIN " me@build' >>/etc/kfarm/clients\n",
		"'[node]\\n\\tlisten = %s\\n' 3634",
		"ExecStart=/usr/local/bin/kfarmd --config /etc/kfarm\n",
		"systemctl enable --now kfarmd\n",
		"kfarm nodes add neo4a tls:b1 --key SHA256:...\n",
	};
	const struct admin_enrol_options wish = { .fingerprint = PIN,
						  .client_name = "me@build" };
	const struct admin_enrol_options other = { .fingerprint = PIN,
						   .client_name = "me@build",
						   .port = 99 };
	struct buf out = { 0 };

	admin_enrol_manual_add(&out, "neo4a", "root@b1", &wish);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strstr(buf_str(&out), words[i]))
			ck_abort_msg("no \"%s\" in %s", words[i],
				     buf_str(&out));
	}
	ck_assert_ptr_null(strstr(buf_str(&out), "/usr/bin/kfarmd"));
	buf_reset(&out);
	admin_enrol_manual_add(&out, "neo4a", "root@b1", &other);
	text_has(buf_str(&out), " tls:b1:99 --key");
	buf_release(&out);
}

TEST(manual_instructions_contain_an_ipv6_address_in_brackets)
{
	struct admin_enrol_options wish = { .fingerprint = PIN,
					    .client_name = "me@build" };
	struct buf out = { 0 };

	admin_enrol_manual_add(&out, "n", "root@fd00::7", &wish);
	text_has(buf_str(&out), "`ssh root@fd00::7 uname -m`");
	text_has(buf_str(&out), "kfarm nodes add n 'tls:[fd00::7]' --key ");
	buf_reset(&out);
	wish.port = 99;
	admin_enrol_manual_add(&out, "n", "fd00::7", &wish);
	text_has(buf_str(&out), "kfarm nodes add n 'tls:[fd00::7]:99' --key ");
	buf_release(&out);
}

TEST(manual_instructions_contain_the_slots_and_the_codec)
{
	struct admin_enrol_options wish = { .fingerprint = PIN,
					    .client_name = "me@build",
					    .slots = "3",
					    .codec = "zstd" };
	struct buf out = { 0 };

	admin_enrol_manual_add(&out, "n", "b1", &wish);
	text_has(buf_str(&out), "kfarm nodes add n tls:b1 --key SHA256:... "
				"--slots 3 --codec zstd\n");
	buf_reset(&out);
	wish.mode = ADMIN_ENROL_MODE_SSH;
	admin_enrol_manual_add(&out, "n", "b1", &wish);
	text_has(buf_str(&out), " node.n.address ssh:b1\n");
	text_has(buf_str(&out), " node.n.slots 3\n");
	text_has(buf_str(&out), " node.n.codec zstd\n");
	buf_release(&out);
}

TEST(a_client_name_is_a_single_word)
{
	char *name = admin_enrol_client_name();

	ck_assert_uint_gt(strlen(name), 2);
	ck_assert_uint_eq(strcspn(name, " \t\n'\"#$`\\"), strlen(name));
	free(name);
}
