#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scdoc source on stdin, man page on stdout. scdoc puts a paragraph macro around everything, writes
# the title as it is and leaves long lines; this tidies that up, so that `mandoc -T lint` is silent
# and what it says of a page is about the page.
scdoc | awk '
	function put(line,    at) {
		# Only filled text may be broken, and no line may start with a control character.
		while (!verbatim && line !~ /^[.\047]/ && length(line) > 79) {
			for (at = 79; at > 1; at--)
				if (substr(line, at, 1) == " " && substr(line, at + 1, 1) !~ /[.\047 ]/)
					break
			if (at == 1)
				break
			print substr(line, 1, at - 1)
			line = substr(line, at + 1)
		}
		print line
	}
	/^\.nf/ { verbatim = 1 }
	/^\.fi/ { verbatim = 0 }
	/^\.TH / { $2 = toupper($2) }
	/^\.P$/ { held = !heading; next }
	/^\.RE/ { print; next } # the space belongs after it
	{
		if (held && $0 !~ /^\.(SH|RS)/)
			print ".P"
		held = 0
		heading = $0 ~ /^\.SH/
		put($0)
	}'
