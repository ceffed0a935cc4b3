# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/steps.awk - names and recipe steps for the counts of bench/programs.c
#
# The input is a list of inodes and names of executables, then the counts; -v
# row=ROW all=MICROSECONDS cross=PREFIX.  The output is row, step, name, starts,
# microseconds.  The remainder of `all` is the step "ends": the time of tasks
# after their count, such as the release of memory, and of tasks that still run.

BEGIN {
	OFS = "\t"
	many("compilers", "cc1 cc1plus as gcc cc g++ c++ cpp collect2 clang")
	many("binutils", "nm ar ld ld.bfd objcopy objdump ranlib strip readelf")
	many("compile wrapper", "kfarm-cc distcc icecc")
	many("coordinator", "kfarm iceccd include_server.py include_server")
	many("kfarm's shell", "kfarm/sh")
	many("shells", "sh dash bash")
	many("files", "rm mkdir mv cp cat ln touch cmp install chmod rmdir mktemp")
	many("text", "awk mawk gawk sed grep egrep tr sort uniq wc cut head tail " \
		"expr basename dirname echo printf test true false env date " \
		"uname hostname whoami xargs find readlink realpath seq")
	many("kallsyms", "kallsyms mksysmap")
	many("conf", "conf mconf")
}

function many(step, names,	list, n)
{
	n = split(names, list, " ")
	while (n)
		step_of[list[n--]] = step
}

NR == FNR {
	# A program can have several names; the task's name selects one.
	name_of[$1] = name_of[$1] " " $2 " "
	next
}

NF != 4 { next }

{
	name = plain($3, $4)
	us[name] += $2
	starts[name] += $1
	sum += $2
}

# Find the full name for a task name, which has 15 letters and no directory.
function plain(inode, comm,	list, n, i, found)
{
	if (comm == "sh" && name_of[inode] ~ / kfarm\/sh /)
		return "kfarm/sh"
	n = split(name_of[inode], list, " ")
	for (i = 1; i <= n; i++)
		if (list[i] ~ /^kfarm\/kfarm(-cc)?$/)
			return substr(list[i], 7)
	# The wrapper runs under the compilers' names, from a copy.
	if (!n && (comm ~ /^(gcc|cc)$/ || index(cross "gcc", comm) == 1))
		return "kfarm-cc"
	found = comm
	if (length(comm) == 15) {
		for (i = 1; i <= n; i++)
			if (index(list[i], comm) == 1 &&
			    (found == comm || length(list[i]) < length(found)))
				found = list[i]
	}
	if (index(found, cross) == 1)
		found = substr(found, length(cross) + 1)
	sub(/-[0-9]+$/, "", found)
	return found
}

END {
	for (name in us)
		print row, name in step_of ? step_of[name] : name, name,
			starts[name], us[name]
	if (all > sum)
		print row, "ends", "ends", 0, all - sum
}
