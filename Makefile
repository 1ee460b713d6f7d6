# One command per intent; `make help` lists them. Everything runs in .venv, which stands on the
# ROS 2 wheels of requirements.lock: a ROS 2 of the system is neither needed nor looked at.

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := .venv/bin
# Read by the tests and the tools that take file names.
SOURCES := .ci fdr_node launch resource setup.py test

# Jazzy is the reference. `make test ROS=kilted` does the same with the wheels of Kilted, in a copy of
# the sources: a tree has one editable install. docs/distributions.md says what differs.
ROS ?= jazzy
LOCK := requirements$(if $(filter-out jazzy,$(ROS)),.$(ROS)).lock
COPY := build/$(ROS)
COPIED := .ci CHANGELOG.rst CONTRIBUTING.md LICENSE Makefile README.md docs fdr_node launch msg \
  package.xml pyproject.toml requirements.lock requirements.kilted.lock resource setup.cfg setup.py \
  test

# Where the flights of `make run` go, how long a sortie is, and a PX4 log to fly instead.
FLIGHTS ?= flights
SECONDS_ ?= 20
ULOG ?=
# More arguments, for example `make test ARGS='-k lock -x'` or `make bench ARGS=--quick`.
ARGS ?=

# `ros2` with what a sourced ROS 2 set, for the benchmark; nothing else looks at it.
define sourced_ros2
env AMENT_PREFIX_PATH='$(AMENT_PREFIX_PATH)' LD_LIBRARY_PATH='$(LD_LIBRARY_PATH)' \
  PYTHONPATH='$(PYTHONPATH)' \
  $(if $(_ROS_WHEELS_BOOTSTRAP_COMPLETE),_ROS_WHEELS_BOOTSTRAP_COMPLETE=1) ros2
endef
SOURCED_ROS2 := $(sourced_ros2)

# The virtual environment is the ament prefix. What a sourced ROS 2 set would mix in another one.
export AMENT_PREFIX_PATH := $(VENV)
export PYTHONNOUSERSITE := 1
unexport CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH PYTHONPATH
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE

.DEFAULT_GOAL := help
.PHONY: help setup run test fault bench lint types format lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

ifeq ($(ROS),jazzy)

setup: .venv/package ## Create or update .venv; nothing to do when nothing changed

run: setup ## Record a sortie and show it; ULOG=path flies a PX4 log, FLIGHTS=dir, SECONDS_=n
	$(BIN)/fdr demo --record $(if $(ULOG),--ulog '$(ULOG)') --seconds $(SECONDS_) \
	  --root '$(FLIGHTS)'

# In two processes, as much of it waits. `make lint` has the rules of what is left out.
test: setup ## Run the tests; ARGS='...' goes to pytest; ROS=kilted: on Kilted
	$(BIN)/pytest -n 2 --dist worksteal --deselect test/test_flake8.py::test_flake8 \
	  --deselect test/test_pep257.py::test_pep257 $(ARGS)

fault: setup ## Run every test of failing disks, kills and power cuts, for minutes; ARGS='...'
	$(BIN)/pytest -m fault $(ARGS)

bench: setup ## Measure beside others, 25 minutes; ARGS=--quick: one. Writes docs/bench/
	$(BIN)/python -m fdr_node.bench --ros2 "$(SOURCED_ROS2)" $(ARGS)

lint: setup ## Check style: ruff, and flake8 and pydocstyle with ament's rules
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/flake8 $(SOURCES)
	$(BIN)/pydocstyle --property-decorators= $(SOURCES)

types: setup ## Check types: mypy, strict
	$(BIN)/mypy

format: setup ## Put the sources into the form that `make lint` wants, as far as a tool can
	$(BIN)/ruff check --fix-only --quiet $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

else

setup run test fault:
	$(if $(wildcard $(LOCK)),,$(error ROS is $(ROS), allowed: jazzy, kilted))
	mkdir -p $(COPY) && cd $(COPY) && rm -rf $(COPIED)
	tar -c --exclude=fdr_node/msg --exclude='*.so' --exclude=__pycache__ $(COPIED) | tar -x -C $(COPY)
	$(MAKE) -C $(COPY) $@ ROS=jazzy LOCK=$(LOCK) FLIGHTS='$(abspath $(FLIGHTS))' \
	  ULOG='$(if $(ULOG),$(abspath $(ULOG)))'

bench lint types format:
	$(error make $@ knows one distribution, the reference: leave ROS=$(ROS) out)

endif

# The generators of Kilted look for another CMake package than those of Jazzy.
renamed = $(if $(filter kilted,$(ROS)),-e s/ros-jazzy-python-cmake-module/ros-kilted-ament-cmake-ros-core/)

lock: ## Resolve requirements.lock anew from pyproject.toml; ROS=kilted: that of Kilted
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet 'pip>=25.1'
	sed $(renamed) -e s/ros-jazzy-/ros-$(ROS)-/ pyproject.toml > build/lock/pyproject.toml
	build/lock/bin/pip install --quiet --dry-run --ignore-installed --report build/lock/report.json \
	  --group build/lock/pyproject.toml:all
	$(PYTHON) .ci/lock.py < build/lock/report.json > build/lock/$(LOCK)
	cp build/lock/$(LOCK) $(LOCK)

clean: ## Remove .venv and everything that was generated; flights stay
	rm -rf .venv build dist fdr_node/msg fdr_node/*.so *.egg-info

# What has to be there before anything can be installed: `probe` succeeds, or make stops with one
# line that says what is missing.
probe = $(if $(shell $(1) > /dev/null 2>&1 && echo yes),,$(error $(strip $(2))))

define check_tools
$(call probe,$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3$(comma) 11))',\
  python3 3.11 or newer is missing (apt install python3 python3-venv python3-dev))
$(call probe,command -v cc || command -v gcc || command -v clang,\
  a C compiler is missing (apt install gcc))
$(call probe,command -v c++ || command -v g++ || command -v clang++,\
  a C++ compiler is missing (apt install g++))
$(call probe,$(PYTHON) -c 'import ensurepip$(comma) venv',\
  venv of $(PYTHON) is missing (apt install python3-venv))
$(call probe,$(PYTHON) -c 'import os$(comma) sysconfig as s; os.stat(s.get_path("include") + "/Python.h")',\
  the headers of $(PYTHON)$(comma) Python.h$(comma) are missing (apt install python3-dev))
endef
comma := ,

# Anew when the lock changed, so that nothing stays that is no longer listed. The few packages
# that come as source are built with the setuptools of the lock.
.venv/requirements: $(LOCK)
	$(strip $(check_tools))
	rm -rf .venv && $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $$(grep -E '^(setuptools|wheel)==' $(LOCK))
	$(BIN)/pip install --quiet --no-build-isolation --no-deps -r $(LOCK)
	@touch $@

.venv/package: .venv/requirements pyproject.toml setup.py setup.cfg package.xml \
  $(wildcard resource/* msg/*.msg launch/*) $(if $(wildcard fdr_node/msg/__init__.py),,FORCE)
	$(BIN)/pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

# Nothing makes this: what depends on it is made, here when the generated messages are gone.
FORCE:
