"""Synthesize one of the apps into a folder."""

import importlib
import sys

import aws_cdk as cdk

module, versions, folder = sys.argv[1:]
app = cdk.App(outdir=folder)
importlib.import_module(module).declare(cdk.Stack(app, "Stack"), int(versions))
app.synth()
