/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node admin */
/* Board profiles, and the settings that they yield for a node. */
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include "admin/tune.h"

#define CPU "/sys/devices/system/cpu/cpu0/cpufreq/"

/* Read a profile from a file "x"; `err` then names only the file. */
static int find_profile(struct admin_profile *p, const char *text,
			struct err *err)
{
	char dir[TEMPDIR_SIZE], *path;
	int ret;

	tempdir_make(dir);
	path = xasprintf("%s/x", dir);
	ck_assert(!fs_write(path, bytes_str(text), 0600, err));
	ret = admin_profile_find(p, path, err);
	if (ret) {
		ck_assert(str_starts(err->text, dir));
		memmove(err->text, err->text + strlen(dir) + 1,
			strlen(err->text + strlen(dir)));
	}
	tempdir_remove(dir);
	free(path);
	return ret;
}

/* Make the plan of a profile for a node with this output. */
static int plan(struct admin_tune *t, const char *profile, const char *said)
{
	struct admin_profile p = { 0 };
	struct err err = { 0 };
	int ret;

	must(find_profile(&p, profile, &err));
	ret = admin_tune_parse(t, &p, bytes_of(said, strlen(said)), &err);
	admin_profile_release(&p);
	return ret;
}

static const char *input_of(const struct admin_tune *t)
{
	static char text[4096];
	struct buf script = { 0 }, input = { 0 };

	admin_tune_add_apply_script(t, &script, &input);
	text_ends(buf_str(&script), "\ntune_apply\n");
	snprintf(text, sizeof(text), "%s", buf_str(&input));
	buf_release(&script);
	buf_release(&input);
	return text;
}

static const char *skipped(const struct admin_tune *t)
{
	static char text[4096];

	*text = '\0';
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].skip_reason)
			snprintf(text + strlen(text),
				 sizeof(text) - strlen(text), "%s: %s\n",
				 t->v[i].name, t->v[i].skip_reason);
	}
	return text;
}

/* ------------------------------------------------------------------ clocks */

static const struct clock_case {
	const char *wanted;
	const char *said; /* files in the directory of scaling_max_freq */
	const char *set; /* NULL: skipped */
} clocks[] = {
	{ "1704 MHz", CPU "scaling_available_frequencies\tr\t408000 1704000\n",
	  "1704000" },
	{ "1704000 kHz",
	  CPU "scaling_available_frequencies\tr\t408000 1704000\n", "1704000" },
	{ "1500 MHz", CPU "scaling_available_frequencies\tr\t408000 1704000\n",
	  NULL },
	{ "2208 MHz", CPU "scaling_available_frequencies\tr\t408000 1704000\n",
	  NULL },
	/*
	 * This frequency requires boost, which is on unless the profile
	 * disables it.
	 */
	{ "2208 MHz",
	  CPU "scaling_available_frequencies\tr\t408000\n" CPU
	      "scaling_boost_frequencies\tr\t2208000\n",
	  "2208000" },
	{ "highest",
	  CPU "scaling_available_frequencies\tr\t408000\n" CPU
	      "scaling_boost_frequencies\tr\t2208000\n",
	  "2208000" },
	/* Drivers without a list of frequencies, such as intel_pstate. */
	{ "highest", CPU "cpuinfo_max_freq\tr\t3600000\n", "3600000" },
	{ "2000 MHz", CPU "cpuinfo_max_freq\tr\t3600000\n", "2000000" },
	{ "4000 MHz", CPU "cpuinfo_max_freq\tr\t3600000\n", NULL },
	{ "highest", "", NULL },
	{ "highest", CPU "cpuinfo_max_freq\tr\t<unsupported>\n", NULL },
};

TEST_EACH(only_an_available_frequency_is_set, clocks)
{
	struct admin_tune t;
	char *profile = xasprintf("[cpu]\nmax-frequency = %s\n", row->wanted);
	char *said = xasprintf(CPU "scaling_governor\tw\tondemand\n" CPU
				   "scaling_max_freq\tw\t408000\n" CPU
				   "related_cpus\tr\t0\n%send\n",
			       row->said);
	char *line = xasprintf("file " CPU "scaling_max_freq %s\n",
			       row->set ? row->set : "");

	ck_assert_int_eq(plan(&t, profile, said), 0);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_str_eq(input_of(&t), row->set ? line : "");
	ck_assert_int_eq(!t.v[0].skip_reason, row->set != NULL);
	admin_tune_release(&t);
	free(profile);
	free(said);
	free(line);
}

static const struct {
	const char *wanted, *reason;
} missing_clocks[] = {
	{ "1500 MHz", "max-frequency of CPU 0: not one of the "
		      "available frequencies\n" },
	{ "2208 MHz", "max-frequency of CPU 0: not available: "
		      "maximum is 1704 MHz\n" },
};

TEST_EACH(an_unavailable_frequency_is_skipped_with_its_reason, missing_clocks)
{
	struct admin_tune t;
	char *profile = xasprintf("[cpu]\nmax-frequency = %s\n", row->wanted);

	ck_assert_int_eq(plan(&t, profile,
			      CPU "scaling_governor\tw\tondemand\n" CPU
				  "scaling_max_freq\tw\t408000\n" CPU
				  "scaling_available_frequencies\tr\t408000 "
				  "1704000\n" CPU "related_cpus\tr\t0\nend\n"),
			 0);
	ck_assert_str_eq(skipped(&t), row->reason);
	admin_tune_release(&t);
	free(profile);
}

TEST(boost_on_clears_no_turbo_of_intel_pstate)
{
	const char *path = "/sys/devices/system/cpu/intel_pstate/no_turbo";
	char *said = xasprintf("%s\tw\t1\nend\n", path);
	char *wanted = xasprintf("file %s 0\n", path);
	struct admin_tune t;

	ck_assert_int_eq(plan(&t, "[cpu]\nboost = on\n", said), 0);
	ck_assert_str_eq(input_of(&t), wanted);
	admin_tune_release(&t);
	free(said);
	free(wanted);
}

/* ------------------------------------------------------------- trip points */

#define ZONE "/sys/class/thermal/thermal_zone0/"

TEST(a_trip_point_at_the_critical_temperature_is_skipped)
{
	static const char said[] = ZONE "type\tr\tcpu\n" ZONE
					"trip_point_0_type\tr\tpassive\n" ZONE
					"trip_point_0_temp\tw\t70000\n" ZONE
					"trip_point_1_type\tr\tcritical\n" ZONE
					"trip_point_1_temp\tr\t90000\nend\n";
	struct admin_tune t;

	ck_assert_int_eq(
		plan(&t, "[thermal]\nzone = cpu*\npassive = 89\n", said), 0);
	ck_assert_str_eq(input_of(&t),
			 "file " ZONE "trip_point_0_temp 89000\n");
	admin_tune_release(&t);
	ck_assert_int_eq(
		plan(&t, "[thermal]\nzone = cpu*\npassive = 90 C\n", said), 0);
	ck_assert_str_eq(input_of(&t), "");
	ck_assert_str_eq(skipped(&t), "passive trip point 0 of cpu: critical "
				      "temperature is 90 C\n");
	admin_tune_release(&t);
}

/* ------------------------------------------------------- previous values */

TEST(previous_values_have_the_current_value_of_the_file_or_service)
{
	static const char said[] = CPU
		"scaling_governor\tw\tperformance\n"
		"service\tcron\tcron.service disabled inactive\n"
		"before-file\t" CPU "scaling_governor\tondemand\n"
		"before-service\tcron.service\tenabled active\n"
		"before-service\told.service\tenabled active\nend\n";
	struct admin_tune t;

	ck_assert_int_eq(plan(&t, "[services]\nstop = cron\n", said), 0);
	ck_assert_uint_eq(t.n_previous, 3);
	ck_assert_str_eq(t.previous[0].current, "performance");
	ck_assert_str_eq(t.previous[0].wanted, "ondemand");
	ck_assert_str_eq(t.previous[1].current, "disabled inactive");
	ck_assert_str_eq(t.previous[1].wanted, "enabled active");
	ck_assert_ptr_null(t.previous[2].current);
	admin_tune_release(&t);
}

/* ------------------------------------------------------- hostile output */

/* No part of these reaches a shell or is printed unchanged. */
static const char *const hostile[] = {
	"/sys/devices/system/cpu/cpu0/cpufreq/$(reboot)/scaling_governor\tw\tx",
	"/sys/devices/system/cpu/cpu0/cpufreq/../../../../../../etc/passwd\tw\tx",
	"/etc/passwd\tw\tx",
	"/sys/class/devfreq/a b/governor\tw\tx",
	"/sys/class/devfreq/a;b/governor\tw\tx",
	"/sys/class/devfreq/\033[31m/governor\tw\tx",
	"/sys/class/devfreq/a/governor",
	"/sys/class/devfreq/a/governor\tw",
	"service\tx\t--now enabled active",
	"service\tx\t$(reboot) enabled active",
	"service\tx\ta;b enabled active",
	"service\tx\t",
	"before-file\t/etc/passwd\troot",
	"before-service\t`x`\troot",
	"\t\t",
	"file\t/sys/x\ty",
};

TEST_EACH(hostile_output_of_a_node_is_ignored, hostile)
{
	static const char profile[] = "[cpu]\ngovernor = performance\n"
				      "[memory]\ndevice = *\ngovernor = p\n"
				      "[services]\nstop = x\n";
	char *said = xasprintf("%s\nend\n", *row);
	struct admin_tune t;

	ck_assert_int_eq(plan(&t, profile, said), 0);
	ck_assert_str_eq(input_of(&t), "");
	ck_assert_uint_eq(t.n_previous, 0);
	admin_tune_release(&t);
	free(said);
}

TEST(control_characters_in_values_are_replaced)
{
	struct admin_tune t;

	ck_assert_int_eq(plan(&t, "[cpu]\ngovernor = performance\n",
			      "model\t\033]0;x\007 board\t\n" CPU
			      "related_cpus\tr\t0 1\n" CPU
			      "scaling_governor\tw\tonde\033[31mmand\nend\n"),
			 0);
	ck_assert_str_eq(t.model, "?]0;x? board");
	ck_assert_str_eq(t.v[0].current, "onde?[31mmand");
	ck_assert_str_eq(t.v[0].name, "governor of CPUs 0-1");
	admin_tune_release(&t);
}

TEST(truncated_output_is_rejected)
{
	const struct admin_profile p = { 0 };
	struct admin_tune_result r;
	struct admin_tune t;
	struct err err;

	/* The output of a script that prints nothing is NULL. */
	ck_assert_int_eq(admin_tune_result(&r, bytes_of(NULL, 0), &err),
			 -EPROTO);
	ck_assert_int_eq(admin_tune_parse(&t, &p, bytes_of(NULL, 0), &err),
			 -EPROTO);
	ck_assert_int_eq(plan(&t, "[cpu]\ngovernor = x\n", ""), -EPROTO);
	ck_assert_int_eq(plan(&t, "[cpu]\ngovernor = x\n",
			      CPU "scaling_governor\tw\tondemand\n"),
			 -EPROTO);
}

TEST(output_with_too_many_files_is_rejected)
{
	struct buf said = { 0 };
	struct admin_tune t;

	for (int i = 0; i < 5000; i++)
		buf_printf(&said, "/sys/x%d\tw\t1\n", i);
	buf_add_str(&said, "end\n");
	ck_assert_int_eq(plan(&t, "[cpu]\ngovernor = x\n", buf_str(&said)),
			 -E2BIG);
	buf_release(&said);
}

TEST(a_result_counts_all_files_and_lists_the_failed_files)
{
	static const char said[] = "noise\ndone\t/sys/a\t1\nback\t/sys/b\t2\n"
				   "failed\t/sys/c\tInvalid argument\nend\n";
	struct admin_tune_result r;
	struct err err = { 0 };

	must(admin_tune_result(&r, bytes_of(said, sizeof(said) - 1), &err));
	ck_assert_uint_eq(r.n_applied, 1);
	ck_assert_uint_eq(r.n_restored, 1);
	ck_assert_uint_eq(r.n_failed, 1);
	ck_assert_str_eq(r.failed[0].path, "/sys/c");
	ck_assert_str_eq(r.failed[0].why, "Invalid argument");
	admin_tune_result_release(&r);
	ck_assert_int_eq(admin_tune_result(&r, bytes_of(said, 40), &err),
			 -EPROTO);
}

/* ---------------------------------------------------------------- profiles */

static const struct {
	const char *text, *complaint;
} bad[] = {
	{ "[cpu]\ngovernor = a b\n",
	  "x:2: cpu.governor: invalid governor \"a b\"" },
	{ "[cpu]\ngovernor\n", "x:2: cpu.governor: missing value" },
	{ "[cpu]\nturbo = on\n", "x:2: cpu.turbo: unknown key" },
	{ "[cpu \"4\"]\nboost = on\n", "x:2: cpu.boost: unknown key" },
	{ "[cpu \"big\"]\ngovernor = a\n", "x:2: cpu.governor: invalid CPU" },
	{ "[cpu]\nboost = maybe\n", "x:2: cpu.boost: invalid value \"maybe\"" },
	{ "[cpu]\nmax-frequency = 2 GHz\n",
	  "x:2: cpu.max-frequency: invalid frequency \"2 GHz" },
	{ "[cpu]\nmax-frequency = 0 MHz\n",
	  "x:2: cpu.max-frequency: invalid frequency \"0 MHz" },
	{ "[cpu]\nmax-frequency = 99999999999999999999 MHz\n",
	  "x:2: cpu.max-frequency: invalid frequency \"9" },
	{ "[thermal]\nzone = a\npassive = 20\n",
	  "x:3: thermal.passive: invalid temperature \"20" },
	{ "[thermal]\npassive = 85\n",
	  "x: thermal.zone: missing; set `zone = TYPE`" },
	{ "[memory]\nmax-frequency = 928 MHz\n",
	  "x: memory.device: missing; set `device = NAME`" },
	{ "[memory]\ndevice = a b\n",
	  "x:2: memory.device: invalid pattern \"a b\"" },
	{ "[services]\nstop = -x\n",
	  "x:2: services.stop: invalid service name \"-x\"" },
	{ "[cpu\n", "x:1: " },
};

TEST_EACH(an_invalid_profile_is_rejected, bad)
{
	struct admin_profile p = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(find_profile(&p, row->text, &err), -EINVAL);
	ck_assert_msg(str_starts(err.text, row->complaint), "%s", err.text);
	admin_profile_release(&p);
}

TEST(built_in_profiles_are_valid)
{
	struct strv names = { 0 };
	struct err err = { 0 };
	struct admin_profile p;

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	admin_profile_list(&names);
	ck_assert_uint_eq(names.n, 4);
	for (size_t i = 0; i < names.n; i++) {
		must(admin_profile_find(&p, names.v[i], &err));
		ck_assert_ptr_nonnull(p.about);
		/* Only this profile exceeds the vendor's specification. */
		ck_assert_int_eq(p.overclock_risk != NULL,
				 !strcmp(p.name, "nanopi-neo4"));
		admin_profile_release(&p);
	}
	strv_release(&names);
	ck_assert_int_eq(admin_profile_find(&p, "nosuch", &err), -ENOENT);
	admin_profile_release(&p);
}
