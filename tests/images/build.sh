#!/bin/sh
# Builds the images the tests need, without a registry: Debian's mirror, debootstrap and a
# static busybox are enough. Only what is missing is built; any failure ends the script.
# Needs root, Docker, and the Debian packages debootstrap and busybox-static.
set -eu

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
busybox=$(which busybox)
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

missing() {
  ! docker image inspect "runwright-test/$1" >/dev/null 2>&1
}

debian() {
  debootstrap --variant=minbase \
    --include=ca-certificates,git,procps,python3,python3-venv,python3-pip \
    bookworm "$here/root" "$mirror"
  # An image trusts whom its builder trusts: a proxy may have a certificate of its own.
  cp -L /etc/ssl/certs/ca-certificates.crt "$here/root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$here/root/var/cache/apt/archives/"*.deb "$here/root/var/lib/apt/lists/"*
  tar -C "$here/root" -c . | docker import \
    --change 'CMD ["bash"]' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    - runwright-test/debian:bookworm
}

node() {
  mkdir "$here/node"
  cat >"$here/node/Dockerfile" <<-'END'
	FROM runwright-test/debian:bookworm
	RUN apt-get update && apt-get install -y --no-install-recommends nodejs \
	    && rm -rf /var/lib/apt/lists/*
	END
  docker build --network host -t runwright-test/node "$here/node"
}

busybox() {
  mkdir -p "$here/busybox/bin" "$here/busybox/etc" "$here/busybox/tmp" "$here/busybox/home/user"
  cp "$busybox" "$here/busybox/bin/busybox"
  for name in $("$here/busybox/bin/busybox" --list); do
    [ "$name" = busybox ] || ln -s busybox "$here/busybox/bin/$name"
  done
  printf 'root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n' \
    >"$here/busybox/etc/passwd"
  printf 'root:x:0:\nuser:x:1000:\n' >"$here/busybox/etc/group"
  chmod 1777 "$here/busybox/tmp"
  tar -C "$here/busybox" -c . | docker import \
    --change 'USER user' --change 'ENV PATH=/bin' - runwright-test/busybox
}

scratch() {
  mkdir "$here/scratch"
  cp "$busybox" "$here/scratch/only"
  tar -C "$here/scratch" -c . | docker import --change 'CMD ["/only"]' - runwright-test/scratch
}

servers() {
  mkdir "$here/servers"
  cat >"$here/servers/postgres" <<-'END'
	#!/bin/sh
	# As the official image: POSTGRES_PASSWORD is the superuser's, arguments are the server's.
	set -e
	data=/var/lib/postgresql/data
	bin=$(echo /usr/lib/postgresql/*/bin)
	[ -n "$POSTGRES_PASSWORD" ] || { echo "POSTGRES_PASSWORD is not set" >&2; exit 1; }
	mkdir -p $data /run/postgresql && chown postgres $data /run/postgresql
	echo "$POSTGRES_PASSWORD" >/tmp/password
	su postgres -c "$bin/initdb -N -D $data -A scram-sha-256 -U postgres --pwfile=/tmp/password"
	rm /tmp/password
	echo "host all all all scram-sha-256" >>$data/pg_hba.conf
	exec su postgres -c "exec $bin/postgres -F -D $data -c listen_addresses='*' $*"
	END
  cat >"$here/servers/Dockerfile" <<-'END'
	FROM runwright-test/debian:bookworm
	RUN apt-get update && apt-get install -y --no-install-recommends postgresql redis-server \
	    && rm -rf /var/lib/apt/lists/*
	COPY --chown=0:0 postgres /usr/local/bin/postgres
	RUN chmod 755 /usr/local/bin/postgres
	END
  docker build --network host -t runwright-test/servers "$here/servers"
}

musl() {
  # Enough of a musl system for Node: bookworm's musl is older than what Node is built for.
  mkdir -p "$here/musl/lists" "$here/musl/cache"
  echo "deb $mirror trixie main" >"$here/musl/sources.list"
  (
    cd "$here/musl"
    set -- -qq -o "Dir::Etc::sourcelist=$PWD/sources.list" -o Dir::Etc::sourceparts=/dev/null \
      -o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/cache" -o APT::Sandbox::User=root
    apt-get "$@" update
    apt-get "$@" download musl
    dpkg-deb -x musl_*.deb root
    [ -e root/lib ] || ln -s usr/lib root/lib
    printf 'FROM runwright-test/busybox\nCOPY root/ /\n' >Dockerfile
    tar -c Dockerfile root | docker build -t runwright-test/musl -
  )
}

for image in debian:bookworm busybox scratch node servers musl; do
  if missing "$image"; then
    echo "building runwright-test/$image"
    "${image%%:*}"
  fi
done
